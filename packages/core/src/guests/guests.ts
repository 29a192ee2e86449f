import type { Credential } from '../domain/credential.ts'
import { type About, type Event, event } from '../domain/event.ts'
import type { Windows } from '../domain/plan.ts'
import type { Secret } from '../domain/secret.ts'
import type { Instant } from '../domain/time.ts'
import { asGuestpassError, GuestpassError } from '../errors.ts'
import { stopwatch } from '../ports/clock.ts'
import type { Meter } from '../ports/meter.ts'
import { lanes } from '../policy/lanes.ts'
import { abortable, type Live, type Renewal, renewal, type RenewalPorts } from '../tokens/renewal.ts'
import type { MintRequest } from '../upstream/guest-tokens/wire.ts'
import { type Listener, listeners } from './listeners.ts'
import type { Mint, Minted } from './mint.ts'
import { type GuestRecords, guestRecords, unknownGuest } from './records.ts'
import { type IssueRequest, parseGuestId, parseIssueRequest } from './request.ts'

/** A guest and its token, as handed out. */
export interface IssuedGuest {
  readonly guestId: string
  readonly api: string
  readonly token: Secret
  readonly expiresAt: Instant
  readonly generation: number
  /** Whether the signature was checked on receipt. */
  readonly verified: boolean
}

/** The guests of one connection. */
export interface Guests extends GuestRecords {
  /**
   * A new guest token (job "mint"), verified and stored before it is returned. For a known guest it makes the next generation.
   * Rejects with `invalid_input`, `guest_revoked`, `api_not_public`, `token_refused` and the codes of token and upstream.
   */
  issue(
    request: IssueRequest,
    options?: { readonly signal?: AbortSignal; readonly correlationId?: string },
  ): Promise<IssuedGuest>
  /** The guest's token, valid now and renewed if due. Rejects with `guest_unknown`, `guest_revoked`, … */
  token(guestId: string, options?: { readonly signal?: AbortSignal }): Promise<IssuedGuest>
  /** Hears of every token issued; a listener that throws harms nobody. The answer takes it off again. */
  onTokenReady(listener: Listener): () => void
}

export interface GuestsParts {
  readonly connection: string
  readonly mint: Mint
  readonly windows: Windows
  readonly meter: Meter
  readonly actor: string
  /** Throws when the connection cannot offer guest tokens at all. */
  readonly available: () => void
  /** Told about listeners that threw. */
  readonly onListenerFault?: (fault: unknown) => void
}

const API = 'guest-tokens'

export function guests(parts: GuestsParts, ports: RenewalPorts): Guests {
  const { connection, meter } = parts
  const { store, clock, random } = ports
  const ready = listeners(parts.onListenerFault ?? (() => meter.count('listener_failed')))
  const tally = { issued: 0, failed: 0 }

  const about = (credential: Credential, correlationId = random.uuid()): About => ({
    actor: parts.actor,
    connection,
    subject: credential.subject,
    correlationId,
  })

  /** Counts a failure and tells of it. */
  const failed = (credential: Credential, of: About, error: GuestpassError, now: Instant): Event => {
    tally.failed += 1
    meter.count('guest_token_failed')
    return event(of, random.uuid(), now, {
      type: 'TOKEN_FAILED',
      outcome: 'failure',
      generation: credential.generation,
      error: withoutId(error, credential),
      data: { api: API },
    })
  }

  /** One mint from first note to verified token, told to nobody yet. */
  async function minted(credential: Credential, of: About, now: () => Instant, signal?: AbortSignal): Promise<Minted> {
    const initiated = event(of, random.uuid(), now(), {
      type: 'TOKEN_REQUEST_INITIATED',
      outcome: 'pending',
      generation: credential.generation,
      data: { api: API },
    })
    await store.commit({ connection, events: [initiated] })
    return parts.mint(credential, of, now, signal)
  }

  function announce(made: Minted, tokenIssuedAt: Instant): void {
    const { credential, claims, latencyMs } = made
    tally.issued += 1
    ready.tell({
      guestId: credential.id,
      token: credential.tokens.access,
      tokenIssuedAt,
      latencyMs,
      successRate: tally.issued / (tally.issued + tally.failed),
      claims,
    })
  }

  async function issue(
    request: MintRequest,
    signal: AbortSignal | undefined,
    correlationId: string,
  ): Promise<IssuedGuest> {
    const elapsed = stopwatch(clock)
    const found = await store.find(connection, request.guestId)
    const now = (): Instant => found.now + elapsed()
    const credential = wanted(found.credential ?? blank(request.guestId, found.now), request)
    refuseEnded(credential)
    const of = about(credential, correlationId)
    try {
      const made = await minted(credential, of, now, signal)
      const kept = await keep(made)
      announce({ ...made, credential: kept }, now())
      return issuedOf(kept)
    } catch (thrown) {
      const error = signal?.aborted ? cancelled(thrown) : asGuestpassError(thrown)
      // The caller hears what went wrong also when the store cannot take it down.
      await store.commit({ connection, events: [failed(credential, of, error, now())] }).catch(() => {})
      throw error
    }
  }

  /** Stores a new token as the next generation, whichever that has become; a guest that ended meanwhile stays ended. */
  async function keep(made: Minted): Promise<Live> {
    for (let base: Credential = made.credential; ; ) {
      const { backOff: _over, ...rest } = made.credential
      const { subject, createdAt, aliveUntil = 0 } = base
      const longest = Math.max(aliveUntil, rest.aliveUntil ?? 0)
      const next: Live = { ...rest, subject, createdAt, aliveUntil: longest, generation: base.generation + 1 }
      const outcome = await store.commit({
        connection,
        writes: [{ credential: next, expect: { generation: base.generation } }],
        events: made.events.map((told) => ({ ...told, subject: next.subject, generation: next.generation })),
        ...(made.issued ? { issued: made.issued } : {}),
      })
      if (outcome === 'done') return next
      base = (await store.find(connection, next.id)).credential ?? base
      if (base.standing === 'revoked' || base.standing === 'erased') {
        await store.commit({ connection, ...(made.issued ? { issued: made.issued } : {}) })
        await store.commit({ connection, deny: [next.id] })
        refuseEnded(base)
      }
    }
  }

  const blank = (id: string, now: Instant): Credential => ({
    connection,
    id,
    kind: 'guest',
    api: API,
    subject: random.uuid(),
    generation: 0,
    standing: 'active',
    createdAt: now,
  })

  /** Renewals of the guests asked for lately, so that callers share one and what failed is not repeated for each. */
  const renewals = lanes((): { renewal?: Renewal } => ({}), { busy: ({ renewal }) => renewal?.busy ?? false })

  async function token(id: string): Promise<IssuedGuest> {
    const known = renewals({ connection, lane: id })
    known.renewal ??= renewalOf(id)
    return issuedOf((await known.renewal.current({})).credential)
  }

  function renewalOf(id: string): Renewal {
    let of: About | undefined
    return renewal(
      {
        connection,
        id,
        windows: parts.windows,
        blank() {
          throw unknownGuest(connection, id)
        },
        async renew(credential, now) {
          parts.available()
          of = about(credential)
          const made = await minted(credential, of, now)
          return { ...made, done: () => announce(made, now()) }
        },
        failed(credential, error, now) {
          return [failed(credential, of ?? about(credential), error, now)]
        },
      },
      ports,
    )
  }

  return {
    ...guestRecords(parts, ports),
    async issue(request, options = {}) {
      const parsed = parseIssueRequest(request, random.uuid)
      parts.available()
      return abortable(() => issue(parsed, options.signal, options.correlationId ?? random.uuid()), options.signal)
    },
    async token(guestId, options = {}) {
      return abortable(() => token(parseGuestId(guestId)), options.signal)
    },
    onTokenReady: ready.add,
  }
}

/** The guest as this request wants it: what is asked for now is what renewals ask for later. */
const wanted = (credential: Credential, { durationSeconds, scopes }: MintRequest): Credential => ({
  ...credential,
  request: { durationSeconds, scopes },
})

function refuseEnded({ id, standing }: Credential): void {
  if (standing !== 'revoked' && standing !== 'erased') return
  throw new GuestpassError('guest_revoked', `Guest ${id} was ${standing}. Issue a token for a new guest id.`)
}

const cancelled = (cause: unknown): GuestpassError => new GuestpassError('cancelled', 'The caller gave up.', { cause })

/** The error as events may tell it: they outlive the guest and know it by its subject only. */
const withoutId = (error: GuestpassError, { id, subject }: Credential): GuestpassError =>
  new GuestpassError(error.code, error.message.replaceAll(new RegExp(id, 'gi'), subject), {
    ...(error.upstream ? { upstream: error.upstream } : {}),
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  })

const issuedOf = ({ id, api, tokens, generation }: Live): IssuedGuest => ({
  guestId: id,
  api,
  token: tokens.access,
  expiresAt: tokens.expiresAt,
  generation,
  verified: tokens.verified,
})
