import type { Guests, GuestRequest, IssuedGuest } from '@guestpass/core'
import { SECOND } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { afterwards, connect, guestDocument, type Runtime, withRuntime } from '@guestpass/runtime'
import { contextOf } from '../context.ts'
import { verb } from '../frame/verb.ts'
import { apis, guestApi } from '../guest-apis.ts'
import { scopesTyped } from '../scopes-typed.ts'
import { orUnsaved } from '../unsaved.ts'

const guestLines = (guest: ReturnType<typeof guestDocument>): readonly string[] => [
  guest.token,
  `  guest ${guest.guestId}, generation ${guest.generation}, valid until ${guest.expiresAt}, ${guest.verified ? 'verified' : 'not verified'}`,
  ...(guest.channelId === undefined
    ? []
    : [`  channel ${guest.channelId}${guest.crm?.tier ? `, customer tier ${guest.crm.tier}` : ''}`]),
  ...upstreamLine(guest.upstream),
]

/** What the API says of the guest that this answer does not say already. */
function upstreamLine(upstream: IssuedGuest['upstream'] = {}): readonly string[] {
  const said = ['createdDate', 'updatedDate', 'selfUri'].flatMap((name) => {
    const value = upstream[name]
    return typeof value === 'string' ? [`${name} ${value}`] : []
  })
  return said.length === 0 ? [] : [`  upstream ${said.join(', ')}`]
}

const input = z.object({
  api: guestApi,
  guestId: z.string().optional(),
  duration: z.string().optional(),
  scope: z.array(z.string()).optional(),
  email: z.string().optional(),
  consent: z.literal(true).optional(),
  channel: z.string().optional(),
  name: z.string().optional(),
  attribute: z.array(z.string().regex(/^[^=]+=/, 'is not NAME=VALUE')).optional(),
  assurance: z.string().optional(),
  onDuplicate: z.string().optional(),
  createAgain: z.literal(true).optional(),
})

/** What was typed as a request; what the API does not take, or lacks, is for the library to say. */
function requestOf(
  { scope, channel, attribute, createAgain, ...rest }: z.output<typeof input>,
  fallback?: string,
): unknown {
  const scopes = scope && scopesTyped(scope)
  const attributes = attribute && Object.fromEntries(attribute.map(pairOf))
  const channelId = channel ?? (rest.api === 'engagements' ? fallback : undefined)
  const given = {
    ...rest,
    channelId,
    attributes,
    onDoubt: createAgain && 'create',
    scopes: rest.api === 'guest-tokens' ? (scopes ?? []) : scopes,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

const pairOf = (text: string): [string, string] => {
  const at = text.indexOf('=')
  return [text.slice(0, at), text.slice(at + 1)]
}

/** What nobody waits for gets a moment before the process ends; the rest is done by the next verb that issues, or by `keep`. */
async function aside({ enrichment }: Guests, { ports: { clock } }: Runtime): Promise<void> {
  const stop = new AbortController()
  await Promise.race([enrichment.drain(stop.signal), clock.sleep(SECOND, stop.signal)]).finally(() => stop.abort())
}

export const guestIssue = verb({
  example: 'guestpass guest issue --api guest-tokens --scope webmessaging:guest:send webmessaging:guest:receive',
  options: [
    ['--api <name>', `the API that issues: ${apis.join(', ')}`],
    ['--guest-id <uuid>', 'guest-tokens: a UUID; a new one when left out'],
    [
      '--duration <name|seconds>',
      'guest-tokens: shortSession (default), standardSession, extendedSession, maxLifetime, seconds from 1 to 86400, or 90m or 2h',
    ],
    ['--scope <scope...>', 'guest-tokens: what the guest may do: webmessaging:guest:send, :receive, :read, :update'],
    ['--email <address>', "engagements, external-users: the person's address"],
    ['--consent', 'engagements: the person agreed to be processed'],
    ['--channel <id>', 'engagements: the channel of the guest (default: GENESYS_CHANNEL_ID)'],
    ['--name <name>', "engagements, external-users: the person's name, 1 to 100 characters"],
    [
      '--attribute <name=value...>',
      'engagements, external-users: attributes, each as NAME=VALUE, at most 2048 bytes as JSON',
    ],
    ['--assurance <word>', 'claimed (default), or verified when you know that the address is theirs'],
    ['--on-duplicate <word>', 'for somebody who has a session: reject, or with --assurance verified reuse or replace'],
    [
      '--create-again',
      'external-users: make another guest, although the answer to a create was lost and one may exist already',
    ],
  ],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input,
  async run(typed, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.host, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const request = requestOf(typed, config.settings.channelId) as GuestRequest
      const issued = await orUnsaved(() => guests.issue(request, contextOf(cli, config.settings)), cli)
      const document = guestDocument(issued, cli.token)
      cli.answer(document, () => guestLines(document))
      await afterwards(() => aside(guests, runtime), cli.host)
    })
  },
})
