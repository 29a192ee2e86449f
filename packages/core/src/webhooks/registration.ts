import type { Json } from '../domain/json.ts'
import { DAY, HOUR, isFromFuture, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Documents, Ledger } from '../ports/store.ts'
import { repeatUntilAborted, type WorkerObserver } from '../ports/worker.ts'
import { type Contract, contracts, type Endpoint } from './endpoint.ts'
import type { ConfiguredEndpoint } from './endpoints.ts'

/** What a process that has no such endpoint needs of it, to put events into its queue. */
export type RegisteredEndpoint = Pick<Endpoint, 'id' | 'contract' | 'events'>

/** Says to all processes on a store which endpoints the configuration of some of them has. */
export interface Registration {
  /** Says that the configuration of this process has its endpoints. It is forgotten after 7 days in which no process said so. */
  register(): Promise<void>
  /** Says so now, and again while it runs. */
  run(signal: AbortSignal, observer: WorkerObserver): Promise<void>
  /** The endpoints that the configuration of any process has. */
  registered(): Promise<readonly RegisteredEndpoint[]>
}

const KIND = 'webhook-configured'
const PAGE = 1_000
const LIFETIME: Millis = 7 * DAY
/** How often it is said again. */
const RENEW_AFTER: Millis = DAY
/** How often a process that runs looks whether it is to say so again. */
const POLL: Millis = HOUR

interface StoredRegistration {
  readonly contract: Contract
  readonly at: number
}

function storedRegistration(value: Json | undefined): StoredRegistration | undefined {
  const { contract, at } = (value ?? {}) as Partial<StoredRegistration>
  return contracts.find((one) => one === contract) && typeof at === 'number'
    ? { contract: contract as Contract, at }
    : undefined
}

export function createRegistration(
  connection: string,
  configured: readonly ConfiguredEndpoint[],
  { store, clock }: { readonly store: Documents & Pick<Ledger, 'commit'>; readonly clock: Clock },
): Registration {
  async function renew({ id, contract }: ConfiguredEndpoint): Promise<void> {
    const { value, revision } = await store.document(connection, KIND, id)
    const known = storedRegistration(value)
    const now = Math.floor(clock.wall())
    if (known?.contract === contract && now - known.at < RENEW_AFTER && !isFromFuture(known.at, now)) return
    const document = { kind: KIND, id, value: { contract, at: now }, expiresAt: now + LIFETIME, expect: { revision } }
    // In a conflict another process says the same.
    await store.commit({ connection, documents: [document] })
  }

  const register = async (): Promise<void> => void (await Promise.all(configured.map(renew)))

  return {
    register,
    run: (signal, observer) =>
      repeatUntilAborted(
        async () => {
          await register()
          return POLL
        },
        { clock, signal, observer },
      ),
    async registered() {
      const { documents } = await store.documents(connection, { kind: KIND, limit: PAGE })
      return documents.flatMap(({ id, value }) => {
        const known = storedRegistration(value)
        return known ? [{ id, contract: known.contract, events: 'all' as const }] : []
      })
    },
  }
}
