import type { Clock, Webhooks } from '@guestpass/core'
import { repeatUntilAborted, systemClock } from '@guestpass/core/runtime-kit'
import { HOUR } from '@guestpass/core/store-kit'
import type { QueueRelay } from './audit-relays.ts'
import { MAX_BACKLOG_COUNT } from './backlog-limit.ts'
import { type CoalescedTask, createCoalescedTask } from './coalesced-task.ts'
import { FINAL_DELIVERY_MS } from './final-delivery.ts'
import type { OpenStore } from './open-store.ts'
import { endsWithin } from './time-limit.ts'

/** Delivers events soon after their commits in this process, for programs that start no workers. */
interface PromptDelivery {
  /**
   * Delivers from now on; first what an earlier process left. Registers the configured endpoints every hour.
   */
  start(): void
  /** How many events wait, by the name of the queue. */
  backlog(): Promise<Readonly<Record<string, number>>>
  /** Delivers for up to a second. The rest waits in the store for the next program. */
  close(): Promise<void>
}

interface DeliveryParts {
  readonly webhooks: Pick<Webhooks, 'route' | 'send' | 'counts' | 'endpoints' | 'register'>
  readonly relays: readonly QueueRelay[]
}

/** The tasks of a delivery: one for each step and queue, so that a slow receiver delays no other. */
interface DeliveryTasks {
  /** Puts new events into the queues of endpoints. */
  readonly routing: CoalescedTask
  /**
   * Triggers the task of every endpoint. Events may be routed by a part of this process that does not know
   * the endpoints.
   */
  readonly sending: CoalescedTask
  /** One for each queue of audit records. */
  readonly relaying: readonly CoalescedTask[]
  /** One for each endpoint, by its id; made when it is first needed. */
  readonly endpoints: ReadonlyMap<string, CoalescedTask>
}

interface TaskPorts {
  readonly clock: Clock
  readonly signal: AbortSignal
}

export function createPromptDelivery(
  parts: DeliveryParts,
  { observe, observeRouting }: Pick<OpenStore, 'observe' | 'observeRouting'>,
  // Its timers do not keep a process alive whose own work is done.
  clock: Clock = systemClock({ unref: true }),
): PromptDelivery {
  const ending = new AbortController()
  const ports = { clock, signal: ending.signal }
  const tasks = createTasks(parts, ports)
  const onCommit = (): void => {
    for (const task of [tasks.routing, ...tasks.relaying]) task.trigger()
  }
  const subscriptions: (() => void)[] = []
  return {
    start() {
      subscriptions.push(observe(onCommit), observeRouting(tasks.sending.trigger))
      onCommit()
      tasks.sending.trigger()
      void repeatUntilAborted(async () => {
        await parts.webhooks.register()
        return HOUR
      }, ports)
    },
    backlog: () => countBacklog(parts),
    async close() {
      onCommit()
      await endsWithin(FINAL_DELIVERY_MS, allIdle(tasks), systemClock())
      for (const unsubscribe of subscriptions) unsubscribe()
      ending.abort()
      await allIdle(tasks)
    },
  }
}

function createTasks({ webhooks, relays }: DeliveryParts, ports: TaskPorts): DeliveryTasks {
  const endpoints = new Map<string, CoalescedTask>()
  const endpointTask = (id: string): CoalescedTask => {
    const task = endpoints.get(id) ?? createEndpointTask(webhooks, id, ports)
    endpoints.set(id, task)
    return task
  }
  const routing = createCoalescedTask(async (signal) => {
    const routed = await webhooks.route(signal)
    return { madeProgress: routed > 0, hasMore: false }
  }, ports)
  const sending = createCoalescedTask(async () => {
    for (const { id } of await webhooks.endpoints.all()) endpointTask(id).trigger()
    return { madeProgress: true, hasMore: false }
  }, ports)
  const relaying = relays.map(({ relay }) =>
    createCoalescedTask(async (signal) => {
      const delivered = await relay.drain(signal)
      return { madeProgress: delivered > 0, hasMore: (await relay.backlog(1)) > 0 }
    }, ports),
  )
  return { routing, sending, relaying, endpoints }
}

const createEndpointTask = (webhooks: DeliveryParts['webhooks'], id: string, ports: TaskPorts): CoalescedTask =>
  createCoalescedTask(async (signal) => {
    const delivered = await webhooks.send(id, signal)
    return { madeProgress: delivered > 0, hasMore: (await webhooks.counts(id, 1)).waiting > 0 }
  }, ports)

/**
 * Waits in the order in which one task fills the queue of the next: events to endpoints, then the records of
 * their delivery.
 */
async function allIdle({ routing, sending, relaying, endpoints }: DeliveryTasks): Promise<void> {
  await routing.idle()
  await sending.idle()
  await Promise.all(Array.from(endpoints.values(), (task) => task.idle()))
  await Promise.all(relaying.map((task) => task.idle()))
}

async function countBacklog({ webhooks, relays }: DeliveryParts): Promise<Readonly<Record<string, number>>> {
  const all = await webhooks.endpoints.all()
  const counts = [
    ...relays.map(async ({ queue, relay }) => [queue, await relay.backlog(MAX_BACKLOG_COUNT)] as const),
    ...all.map(async ({ id }) => [`webhook:${id}`, (await webhooks.counts(id, MAX_BACKLOG_COUNT)).waiting] as const),
  ]
  return Object.fromEntries(await Promise.all(counts))
}
