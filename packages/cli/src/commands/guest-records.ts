import { type GuestRecords, guestRecords, type GuestView } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import type { Instant } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { guestViewDocument, revocationDocument, type Settings, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { type Cli, defineCommand } from './runner/command.ts'
import { addressApi, addressApiOption, knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'

/** Runs work on the guests that the store knows; nothing is asked of upstream. */
async function onRecords(
  cli: Cli,
  work: (records: GuestRecords, parts: { readonly settings: Settings; readonly now: () => Instant }) => Promise<void>,
): Promise<void> {
  const config = await cli.config()
  await withRuntime(config, cli.runtimeHost, ({ ports }) =>
    work(guestRecords({ connection: config.connection }, ports), {
      settings: config.settings,
      now: () => ports.clock.wall(),
    }),
  )
}

const viewLine = ({ guestId, api, generation, expiresAt }: GuestView, status: string): string =>
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
    onRecords(cli, async (records, { now }) => {
      const view = await records.show(guestId, { ...callContext(cli), api })
      const document = guestViewDocument(view, now())
      cli.answer(document, () => [
        viewLine(view, document.status),
        `  ${[...tokenWords(view), `since ${iso(view.createdAt)}`].join('; ')}`,
        // No record has the subject of an erased guest.
        ...(view.status === 'erased' ? [] : [`  audit subject ${view.subject}`]),
        ...(view.tokenSubject === undefined ? [] : [`  its tokens are of subject ${view.tokenSubject}`]),
      ])
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
    onRecords(cli, async (records, { settings: { channelId: fallback } }) => {
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
