import type { GuestView } from '@guestpass/core'
import { iso } from '@guestpass/core/runtime-kit'
import * as z from 'zod'
import { commandFor, guestViewDocument, revocationDocument } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'
import { untilThere } from './guest-person.ts'
import { addressApi, addressApiOption, knownGuestApi, knownGuestApiOption } from '../guest-apis.ts'
import { tokenLine } from '../lists/token-line.ts'
import { removalLine } from '../lists/removal-line.ts'
import { onGuestRecords } from '../on-guest-records.ts'

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
    onGuestRecords(cli, async (records, { now }) => {
      const view = await records.show(guestId, { ...callContext(cli), api })
      const document = guestViewDocument(view, now())
      cli.answer(document, () => [
        tokenLine([view.guestId, view.api, document.status], view),
        `  ${[...tokenWords(view), `since ${iso(view.createdAt)}`].join('; ')}`,
        ...removalLine(view),
        // No record has the subject of an erased guest.
        ...(view.status === 'erased' ? [] : [`  audit subject ${view.subject}`]),
        ...(view.tokenSubject === undefined ? [] : [`  its tokens are of subject ${view.tokenSubject}`]),
      ])
    }),
})

export const guestRevokeCommand = defineCommand({
  example: 'guestpass guest revoke 3f2b8c1e-7a54-4d09-9c1f-5b6e2a7d8f90',
  options: [knownGuestApiOption],
  input: named,
  run: ({ guestId, api }, cli) =>
    onGuestRecords(cli, async (records) => {
      const document = revocationDocument(await records.revoke(guestId, { ...callContext(cli), api }))
      cli.answer(document, () => [`Guest ${guestId} is revoked here.`, ...untilThere(document.upstreamValidUntil)])
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
    onGuestRecords(cli, async (records, { config }) => {
      const channelId = channel ?? config.settings.channelId
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
              `  Guest ${guestId} had it; its token stays valid until it ends: \`${commandFor(cli.connection, `guest revoke ${guestId}`)}\` ends it.`,
            ]),
      ])
    }),
})
