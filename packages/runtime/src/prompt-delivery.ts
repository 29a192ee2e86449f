import type { Clock, Webhooks } from '@guestpass/core'
import { repeated, systemClock } from '@guestpass/core/runtime-kit'
import { HOUR } from '@guestpass/core/store-kit'
import type { QueueRelay } from './audit-relays.ts'
import { MAX_BACKLOG_COUNT } from './backlog-limit.ts'
import { FINAL_DELIVERY_MS } from './final-delivery.ts'
import { createCoalescedTask, type CoalescedTask } from './coalesced-task.ts'
import type { OpenStore } from './open-store.ts'
import { endsWithin } from './time-limit.ts'

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
    createCoalescedTask(async (signal) => {
      const settled = await relay.drain(signal)
      return { madeProgress: settled > 0, hasMore: (await relay.backlog(1)) > 0 }
    }, ports),
  )
  const endpoints = new Map<string, CoalescedTask>()
  /** One for each endpoint, so that a slow one delays no other. */
  const endpointOf = (id: string): CoalescedTask => {
    const known =
      endpoints.get(id) ??
      createCoalescedTask(async (signal) => {
        const settled = await webhooks.send(id, signal)
        return { madeProgress: settled > 0, hasMore: (await webhooks.counts(id, 1)).waiting > 0 }
      }, ports)
    endpoints.set(id, known)
    return known
  }
  const forwarding = createCoalescedTask(async (signal) => {
    const settled = await webhooks.route(signal)
    return { madeProgress: settled > 0, hasMore: false }
  }, ports)
  /** Nudges every endpoint; after a forward by any part of this process, which need not know the endpoint. */
  const sending = createCoalescedTask(async () => {
    for (const { id } of await webhooks.endpoints.all()) endpointOf(id).trigger()
    return { madeProgress: true, hasMore: false }
  }, ports)

  const nudge = (): void => {
    for (const one of [forwarding, ...outlets]) one.trigger()
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
      const ends = [observe(nudge), observeForwards(sending.trigger)]
      unobserve = () => {
        for (const end of ends) end()
      }
      nudge()
      sending.trigger()
      void repeated(async () => {
        await webhooks.register()
        return HOUR
      }, ports)
    },
    async backlog() {
      const named = [
        ...relays.map(({ queue, relay }) => [queue, relay.backlog(MAX_BACKLOG_COUNT)] as const),
        ...(await webhooks.endpoints.all()).map(
          ({ id }) => [`webhook:${id}`, webhooks.counts(id, MAX_BACKLOG_COUNT).then(({ waiting }) => waiting)] as const,
        ),
      ]
      return Object.fromEntries(await Promise.all(named.map(async ([name, count]) => [name, await count] as const)))
    },
    async close() {
      nudge()
      await endsWithin(FINAL_DELIVERY_MS, quiet(), systemClock())
      unobserve()
      ending.abort()
      await quiet()
    },
  }
}
