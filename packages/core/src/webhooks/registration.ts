import { documentKind } from '../domain/document-kinds.ts'
import type { Json } from '../domain/json.ts'
import { DAY, HOUR, isFromFuture, type Millis } from '../domain/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Documents, Ledger } from '../ports/store.ts'
import { repeatUntilAborted, type WorkerObserver } from '../ports/worker.ts'
import { type WebhookContract, contracts, type WebhookEndpoint } from './endpoint.ts'
import type { ConfiguredEndpoint } from './endpoints.ts'

/** What a process needs to know of an endpoint that only other processes have in their configuration. */
type RegisteredEndpoint = Pick<WebhookEndpoint, 'id' | 'contract' | 'events'>

/** Registers the endpoints of the configuration in the store, so that all processes queue events for them. */
export interface Registration {
  /**
   * Registers the endpoints of this process. A registration ends after 7 days in which no process renewed it.
   */
  register(): Promise<void>
  /** Registers them, and renews the registration once a day until the signal aborts. */
  run(signal: AbortSignal, observer: WorkerObserver): Promise<void>
  /** The endpoints that any process has registered. */
  registered(): Promise<readonly RegisteredEndpoint[]>
}

const PAGE = 1_000
const LIFETIME: Millis = 7 * DAY
/** The age at which a registration is renewed. */
const RENEW_AFTER: Millis = DAY
/** How often a running process compares the age. */
const POLL: Millis = HOUR

interface StoredRegistration {
  readonly contract: WebhookContract
  readonly at: number
}

function storedRegistration(value: Json | undefined): StoredRegistration | undefined {
  const { contract, at } = (value ?? {}) as Partial<StoredRegistration>
  return contracts.find((one) => one === contract) && typeof at === 'number'
    ? { contract: contract as WebhookContract, at }
    : undefined
}

export function createRegistration(
  connection: string,
  configured: readonly ConfiguredEndpoint[],
  { store, clock }: { readonly store: Documents & Pick<Ledger, 'commit'>; readonly clock: Clock },
): Registration {
  async function renew({ id, contract }: ConfiguredEndpoint): Promise<void> {
    const { value, revision } = await store.document(connection, documentKind.configuredEndpoint, id)
    const known = storedRegistration(value)
    const now = Math.floor(clock.wall())
    if (known?.contract === contract && now - known.at < RENEW_AFTER && !isFromFuture(known.at, now)) return
    const document = {
      kind: documentKind.configuredEndpoint,
      id,
      value: { contract, at: now },
      expiresAt: now + LIFETIME,
      expect: { revision },
    }
    // In a conflict another process has registered the same.
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
      const { documents } = await store.documents(connection, { kind: documentKind.configuredEndpoint, limit: PAGE })
      return documents.flatMap(({ id, value }) => {
        const known = storedRegistration(value)
        return known ? [{ id, contract: known.contract, events: 'all' as const }] : []
      })
    },
  }
}
