import { type GuestRecords, guestRecords, type GuestView } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { guestViewDocument, revocationDocument, type Settings, whole, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import { addressApi, addressApiOption, knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'

/** Runs work on the guests that the store knows; nothing is asked of upstream. */
async function onRecords(cli: Cli, work: (records: GuestRecords, settings: Settings) => Promise<void>): Promise<void> {
  const config = await cli.config()
  await withRuntime(config, cli.runtimeHost, ({ ports }) =>
    work(guestRecords({ connection: config.connection }, ports), config.settings),
  )
}

const viewLine = ({ guestId, api, status, generation, expiresAt }: GuestView): string =>
  `${guestId}  ${api}  ${status}  generation ${generation}  ${expiresAt === undefined ? 'no token' : `until ${iso(expiresAt)}`}`

/** What is known of its token; nothing when there is none. */
const tokenWords = ({ expiresAt, scopes, verified }: GuestView): readonly string[] =>
  expiresAt === undefined
    ? []
    : [...(scopes.length === 0 ? [] : [`scopes ${scopes.join(' ')}`]), verified ? 'verified' : 'not verified']

const named = z.object({ guestId: z.string(), api: knownGuestApi })

export const guestShowCommand = defineCommand({
  example: 'guestpass guest show 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90 --json',
  options: [knownGuestApiOption],
  input: named,
  run: ({ guestId, api }, cli) =>
    onRecords(cli, async (records) => {
      const view = await records.show(guestId, { ...callContext(cli), api })
      cli.answer(guestViewDocument(view), () => [
        viewLine(view),
        `  ${[...tokenWords(view), `since ${iso(view.createdAt)}`].join('; ')}`,
        // No record has the subject of an erased guest.
        ...(view.status === 'erased' ? [] : [`  audit subject ${view.subject}`]),
        ...(view.tokenSubject === undefined ? [] : [`  its tokens are of subject ${view.tokenSubject}`]),
      ])
    }),
})

export const guestListCommand = defineCommand({
  example: 'guestpass guest list --limit 20',
  options: [
    ['--limit <n>', 'guests on a page, from 1 to 1000 (default: 100)'],
    ['--after <cursor>', 'the cursor that the previous page printed'],
  ],
  input: z.object({ limit: whole(1, 1_000).optional(), after: z.string().optional() }),
  run: ({ limit, after }, cli) =>
    onRecords(cli, async (records) => {
      const page = await records.list({
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
      })
      cli.answer(
        { guests: page.guests.map(guestViewDocument), ...(page.next === undefined ? {} : { next: page.next }) },
        () => [
          ...(page.guests.length === 0
            ? [after === undefined ? 'No guests yet.' : 'No more guests.']
            : page.guests.map(viewLine)),
          ...(page.next === undefined ? [] : [`More: guestpass guest list --after ${page.next}`]),
        ],
      )
    }),
})

/** What a guest's end means upstream, for people. */
const untilThere = (until: string | undefined): readonly string[] =>
  until === undefined ? [] : [`  Genesys has no call for it: tokens stay valid there until ${until}.`]

export const guestRevokeCommand = defineCommand({
  example: 'guestpass guest revoke 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  options: [knownGuestApiOption],
  input: named,
  run: ({ guestId, api }, cli) =>
    onRecords(cli, async (records) => {
      const document = revocationDocument(await records.revoke(guestId, { ...callContext(cli), api }))
      cli.answer(document, () => [`Guest ${guestId} is revoked here.`, ...untilThere(document.upstreamValidUntil)])
    }),
})

/** What the library does not know of: files are the command line's. */
const IMPORTS = 'files of imports: the rows that were given, and those that failed (FILE.failures.csv or .ndjson)'

export const guestEraseCommand = defineCommand({
  example: 'guestpass guest erase 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  options: [knownGuestApiOption],
  input: named,
  run: ({ guestId, api }, cli) =>
    onRecords(cli, async (records) => {
      const erased = await records.erase(guestId, { ...callContext(cli), api })
      const document = { ...revocationDocument(erased), remains: [...erased.remains, IMPORTS] }
      cli.answer(document, () => [
        `Guest ${guestId} is erased here.`,
        ...untilThere(document.upstreamValidUntil),
        ...document.remains.map((one) => `  Remains: ${one}`),
      ])
    }),
})

export const guestInvalidateCommand = defineCommand({
  example: 'guestpass guest invalidate --email ann@example.com --channel web-1',
  options: [
    ['--email <address>', 'the address, in upper or lower case'],
    ['--channel <id>', 'the channel; not for external users (default: GENESYS_CHANNEL_ID)'],
    addressApiOption,
  ],
  input: z.object({
    email: z.string({ error: 'is missing' }),
    channel: z.string().optional(),
    api: addressApi,
  }),
  run: ({ email, channel, api }, cli) =>
    onRecords(cli, async (records, { channelId: fallback }) => {
      const channelId = channel ?? fallback
      const whose = {
        email,
        ...(channelId === undefined ? {} : { channelId }),
        ...(api === undefined ? {} : { api }),
      }
      const { freed, guestId } = await records.invalidate(whose, callContext(cli))
      cli.answer({ freed, ...(guestId === undefined ? {} : { guestId }) }, () => [
        freed ? 'The address can have another session.' : 'The address has no session.',
        ...(guestId === undefined
          ? []
          : [
              `  Guest ${guestId} had it; its token stays valid until it ends: \`guestpass guest revoke ${guestId}\` ends it.`,
            ]),
      ])
    }),
})
