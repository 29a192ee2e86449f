import type { Clock, Webhooks } from '@guestpass/core'
import { repeated, systemClock } from '@guestpass/core/runtime-kit'
import { HOUR } from '@guestpass/core/store-kit'
import type { QueueRelay } from './audit-relays.ts'
import { MOST_COUNTED } from './counted.ts'
import { DRAIN } from './drain.ts'
import { createNudged, type Nudged } from './nudged.ts'
import type { OpenStore } from './open-store.ts'
import { within } from './within.ts'

/** Delivers events soon after their commits in this process, for programs that start no workers. */
export interface PromptDelivery {
  /** Delivers from now on; first what an earlier process left. Says every day which endpoints are configured. */
  start(): void
  /** How much waits: for each queue, by its name. */
  backlog(): Promise<Readonly<Record<string, number>>>
  /** Delivers for up to a second; what is left waits in the store for the next program. */
  close(): Promise<void>
}

export interface DeliveryParts {
  readonly webhooks: Pick<Webhooks, 'route' | 'send' | 'counts' | 'endpoints' | 'register'>
  readonly relays: readonly QueueRelay[]
}

export function createPromptDelivery(
  { webhooks, relays }: DeliveryParts,
  { observe, observeForwards }: Pick<OpenStore, 'observe' | 'observeForwards'>,
  // Waits that do not keep a process alive whose own work is done.
  clock: Clock = systemClock({ unref: true }),
): PromptDelivery {
  const ending = new AbortController()
  const ports = { clock, signal: ending.signal }

  const outlets = relays.map(({ relay }) =>
    createNudged(async (signal) => {
      const settled = await relay.drain(signal)
      return { settled: settled > 0, waits: (await relay.backlog(1)) > 0 }
    }, ports),
  )
  const endpoints = new Map<string, Nudged>()
  /** One for each endpoint, so that a slow one delays no other. */
  const endpointOf = (id: string): Nudged => {
    const known =
      endpoints.get(id) ??
      createNudged(async (signal) => {
        const settled = await webhooks.send(id, signal)
        return { settled: settled > 0, waits: (await webhooks.counts(id, 1)).waiting > 0 }
      }, ports)
    endpoints.set(id, known)
    return known
  }
  const forwarding = createNudged(async (signal) => {
    const settled = await webhooks.route(signal)
    return { settled: settled > 0, waits: false }
  }, ports)
  /** Nudges every endpoint; after a forward by any part of this process, which need not know the endpoint. */
  const sending = createNudged(async () => {
    for (const { id } of await webhooks.endpoints.all()) endpointOf(id).nudge()
    return { settled: true, waits: false }
  }, ports)

  const nudge = (): void => {
    for (const one of [forwarding, ...outlets]) one.nudge()
  }
  let unobserve = (): void => {}

  /** Also what a run puts into the queue of another: events for an endpoint, and how their delivery ended. */
  async function quiet(): Promise<void> {
    await forwarding.idle()
    await sending.idle()
    await Promise.all([...endpoints.values()].map((one) => one.idle()))
    await Promise.all(outlets.map((one) => one.idle()))
  }

  return {
    start() {
      const ends = [observe(nudge), observeForwards(sending.nudge)]
      unobserve = () => {
        for (const end of ends) end()
      }
      nudge()
      sending.nudge()
      void repeated(async () => {
        await webhooks.register()
        return HOUR
      }, ports)
    },
    async backlog() {
      const named = [
        ...relays.map(({ queue, relay }) => [queue, relay.backlog(MOST_COUNTED)] as const),
        ...(await webhooks.endpoints.all()).map(
          ({ id }) => [`webhook:${id}`, webhooks.counts(id, MOST_COUNTED).then(({ waiting }) => waiting)] as const,
        ),
      ]
      return Object.fromEntries(await Promise.all(named.map(async ([name, count]) => [name, await count] as const)))
    },
    async close() {
      nudge()
      await within(DRAIN, quiet(), systemClock())
      unobserve()
      ending.abort()
      await quiet()
    },
  }
}
