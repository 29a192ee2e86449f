import type { Guests, GuestRequest, IssuedGuest } from '@guestpass/core'
import { type RegisteredApi, registeredApis } from '@guestpass/core/runtime-kit'
import { SECOND } from '@guestpass/core/store-kit'
import * as z from 'zod'
import { warnOnFailure, connect, guestDocument, type Runtime, withRuntime } from '@guestpass/runtime'
import { callContext } from '../call-context.ts'
import { defineCommand } from './runner/command.ts'
import { guestApi, guestApiOption } from '../guest-apis.ts'
import { describedOption, requestOptions, typedFields, typedShape } from '../request-options.ts'
import { showUnsavedOnFailure } from '../unsaved-tokens.ts'

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

const input = z.object({ api: guestApi, ...typedShape(requestOptions) })

/** What was typed as a request. What the API does not take, or lacks, is for the library to say. */
function requestOf({ api: name, ...typed }: z.output<typeof input>, channelId: string | undefined): unknown {
  const api = registeredApis.find((one) => one.name === name)
  const isOfChannel = api?.guests === 'authenticated' && api.channel
  return {
    api: name,
    ...(isOfChannel && channelId !== undefined ? { channelId } : {}),
    ...emptyLists(api),
    ...typedFields(requestOptions, typed),
  }
}

/** Lists of the API that must be given, without anything in them: the library says what is needed. */
const emptyLists = (api: RegisteredApi | undefined): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    requestOptions.flatMap(({ name, field, apis }) =>
      api && apis.includes(api) && field.written === 'list' && !field.schema.safeParse(undefined).success
        ? [[name, []]]
        : [],
    ),
  )

/**
 * Gives enrichment up to 1 s before the process ends. The next command that issues, or `keep`, does the rest.
 */
async function aside({ enrichment }: Guests, { ports: { clock } }: Runtime): Promise<void> {
  const stop = new AbortController()
  await Promise.race([enrichment.drain(stop.signal), clock.sleep(SECOND, stop.signal)]).finally(() => stop.abort())
}

export const guestIssueCommand = defineCommand({
  example: 'guestpass guest issue --api guest-tokens --scope webmessaging:guest:send webmessaging:guest:receive',
  options: [guestApiOption, ...requestOptions.map((option) => describedOption(option))],
  settings: ['patienceSeconds'],
  reveal: true,
  raw: true,
  input,
  async run(typed, cli) {
    const config = await cli.config(['hosts', 'clientId'])
    await withRuntime(config, cli.runtimeHost, async (runtime) => {
      const { guests } = await connect(config, runtime)
      const request = requestOf(typed, config.settings.channelId) as GuestRequest
      const issued = await showUnsavedOnFailure(() => guests.issue(request, callContext(cli, config.settings)), cli)
      const document = guestDocument(issued, cli.showToken)
      cli.answer(document, () => guestLines(document))
      await warnOnFailure(() => aside(guests, runtime), cli.runtimeHost)
    })
  },
})
