import type { Credential } from '../domain/credential.ts'
import type { About } from '../domain/event.ts'
import type { Ask, Windows } from '../domain/plan.ts'
import type { Instant } from '../domain/time.ts'
import type { GuestpassError } from '../errors.ts'
import { lanes } from '../policy/lanes.ts'
import { type Current, type Renewable, type Renewal, renewal, type RenewalPorts } from '../tokens/renewal.ts'
import { nextStep } from './next-step.ts'
import type { Obtain } from './obtain.ts'
import { unknownGuest } from './records.ts'
import type { Telling } from './telling.ts'

export interface SessionsParts {
  readonly connection: string
  readonly obtain: Obtain
  readonly telling: Telling
  readonly windows: Windows
  /** Throws when the connection cannot offer guest tokens at all. */
  readonly available: () => void
}

/** The guests' tokens over time. */
export interface Sessions {
  /** The guest with a token that is valid now, renewed if due. Rejects with `guest_unknown`, `guest_revoked`, … */
  current(guestId: string, ask: Ask): Promise<Current>
}

/**
 * Renews guest tokens: by a refresh under an Idempotency-Key that is written down before it is sent, and is used for every
 * repeat of that refresh, also by another process after a kill; or by a new token where upstream would refuse to refresh.
 */
export function sessions(parts: SessionsParts, ports: RenewalPorts): Sessions {
  const { connection, obtain, telling } = parts
  const { random, holder } = ports

  /** The renewals of the guests asked for lately, so that callers share one and what failed is not repeated for each. */
  const known = lanes((): { renewal?: Renewal } => ({}), { busy: ({ renewal }) => renewal?.busy ?? false })

  function renewable(id: string): Renewable {
    let about: About | undefined
    const aboutOf = (credential: Credential): About => (about ??= telling.about(credential))
    return {
      connection,
      id,
      windows: parts.windows,
      blank() {
        throw unknownGuest(connection, id)
      },
      prepare(credential, now) {
        parts.available()
        about = telling.about(credential)
        const action = nextStep(credential, now)
        if (action === 'repeat') return undefined
        const next: Credential = { ...credential, intent: { id: random.uuid(), action, holder, startedAt: now } }
        return { credential: next, events: [telling.initiated(next, about, now)] }
      },
      async renew(credential, now) {
        const order = { credential, about: aboutOf(credential), now }
        const made = await (credential.intent?.action === 'refresh' ? obtain.refresh(order) : obtain.mint(order))
        return { ...made, done: () => telling.announce(made, now()) }
      },
      otherwise(credential, error, now) {
        const { intent } = credential
        if (intent?.action !== 'refresh' || !isHopeless(credential, error, now)) return undefined
        const next: Credential = { ...credential, intent: { ...intent, action: 'mint' } }
        return { credential: next, events: [telling.failed(credential, aboutOf(credential), error, now)] }
      },
      failed: (credential, error, now: Instant) => [telling.failed(credential, aboutOf(credential), error, now)],
    }
  }

  return {
    current(guestId, ask) {
      const lane = known({ connection, lane: guestId })
      lane.renewal ??= renewal(renewable(guestId), ports)
      return lane.renewal.current(ask)
    },
  }
}

/**
 * Whether only a new token will do. The answer to a key stays what it is, so a token that does not verify is asked for again
 * only while the former one lasts: until then keys and clocks may come right.
 */
const isHopeless = ({ tokens }: Credential, { code }: GuestpassError, now: Instant): boolean =>
  code === 'refresh_impossible' || (code === 'token_refused' && !(tokens && now < tokens.expiresAt))
