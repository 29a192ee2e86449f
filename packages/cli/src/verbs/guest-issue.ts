import { type IssuedGuest, iso } from '@guestpass/core'
import * as z from 'zod'
import { type Cli, verb } from '../frame/verb.ts'
import { atWork, connect } from '../workplace.ts'

/** An issued guest as a document; the route of the service answers the same. */
export const guestDocument = (guest: IssuedGuest, cli: Cli) => ({
  guestId: guest.guestId,
  api: guest.api,
  token: cli.token(guest.token),
  expiresAt: iso(guest.expiresAt),
  generation: guest.generation,
  verified: guest.verified,
})

const apis = ['guest-tokens'] as const

export const guestIssue = verb({
  name: 'guest issue',
  summary: 'Issue a guest token: asked of Genesys, verified, stored',
  example: 'guestpass guest issue --api guest-tokens --scope webmessaging:guest:send webmessaging:guest:receive',
  options: [
    ['--api <name>', `the API that issues: ${apis.join(', ')}`],
    ['--guest-id <uuid>', 'a UUID; a new one when left out'],
    [
      '--duration <name|seconds>',
      'shortSession (default), standardSession, extendedSession, maxLifetime, or seconds from 1 to 86400',
    ],
    ['--scope <scope...>', 'what the guest may do: webmessaging:guest:send, :receive, :read, :update'],
  ],
  reveal: true,
  input: z.object({
    api: z.enum(apis, {
      error: ({ input }) => (input === undefined ? 'is missing' : 'is not an API that issues guests'),
    }),
    guestId: z.string().optional(),
    duration: z.string().optional(),
    scope: z.array(z.string()).optional(),
  }),
  async run({ guestId, duration, scope }, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await atWork(config, cli, async (place) => {
      const { guests } = await connect(config, place)
      const scopes = (scope ?? []).flatMap((one) => one.split(/[\s,]+/).filter((part) => part !== ''))
      const issued = await guests.issue({ guestId, duration, scopes }, { signal: cli.signal })
      const document = guestDocument(issued, cli)
      cli.answer(document, () => [
        document.token,
        `  guest ${document.guestId}, generation ${document.generation}, valid until ${document.expiresAt}, verified`,
      ])
    })
  },
})
