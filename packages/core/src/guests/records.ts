import { checkedConnection } from '../domain/connection-name.ts'
import type { Context } from '../domain/context.ts'
import type { Credential } from '../domain/credential.ts'
import { type About, aboutOf, event } from '../domain/event.ts'
import { type GuestApi, guestIdOf } from '../domain/guest-id.ts'
import { endOf, hasEnded } from '../domain/plan.ts'
import { openProfile } from '../domain/profile.ts'
import { DAY, type Instant, type Millis } from '../domain/time.ts'
import type { Random } from '../ports/random.ts'
import type { Change, DocumentWrite, Store } from '../ports/store.ts'
import { revocationChange } from './ending.ts'
import { ENRICHMENT } from './enrichment.ts'
import { type Locate, type Located, locate } from './locate.ts'
import { parseDuplicateKey, type Person } from './person-request.ts'
import { pseudonyms, type Whose } from './pseudonyms.ts'
import { parseGuestId } from './request.ts'
import { DUPLICATE, forgotten, guestOf, type Slot, slotOf } from './slot.ts'
import { foreignSubject } from './token-subject.ts'

/** What is known of a guest, without its token. */
export interface GuestView {
  readonly guestId: string
  readonly api: string
  readonly standing: Credential['standing']
  readonly generation: number
  readonly scopes: readonly string[]
  readonly verified: boolean
  /** Absent when it has no token. */
  readonly expiresAt?: Instant
  readonly createdAt: Instant
  /** The random id that stands for the guest in events and audit records. */
  readonly subject: string
  /** The `sub` of its tokens, where a token from outside brought another than the guest id. */
  readonly tokenSubject?: string
}

export interface Revocation {
  /** `unsupported`: this API cannot; tokens stay valid there until `upstreamValidUntil`. */
  readonly upstream: 'done' | 'unsupported' | 'failed'
  readonly local: 'done'
  /** Absent when no token was left to live. */
  readonly upstreamValidUntil?: Instant
}

export interface Erasure extends Revocation {
  /** What there still is of the person elsewhere, for people to read. */
  readonly remains: readonly string[]
}

/** Whose session is given up. */
export interface DuplicateKey {
  /** Default `engagements`. */
  readonly api?: Person['api'] | undefined
  readonly email: string
  /** Of an engagement. */
  readonly channelId?: string | undefined
}

export interface Invalidation {
  /** False when nobody had a session. */
  readonly freed: boolean
  /** The guest that had it; its token stays valid until it ends or is revoked. */
  readonly guestId?: string
}

/** Which guest is meant where two APIs have one of the same id, beside what every call takes. */
export interface GuestContext extends Context {
  /** The API of the guest. Needed only where another API has a guest of the same id. */
  readonly api?: GuestApi | undefined
}

/** What can be done with the guests of a connection without asking upstream. */
export interface GuestRecords {
  /** Rejects with `invalid_input` or `guest_unknown`. */
  show(guestId: string, context?: GuestContext): Promise<GuestView>
  /** Guests in the order of their rows; `limit` 1 to 1000, default 100; `after`: the `next` of the page before. */
  list(
    page?: { readonly after?: string; readonly limit?: number },
    context?: Context,
  ): Promise<{ readonly guests: readonly GuestView[]; readonly next?: string }>
  /** Ends the guest: every token issued for it is denied by the verifier, and no other will be issued. Doing it again changes nothing. */
  revoke(guestId: string, context?: GuestContext): Promise<Revocation>
  /**
   * Ends the guest and forgets the person: profile and keys are destroyed, work left to do is cancelled, and what the audit tells of
   * the guest is nobody's any more. Doing it again changes nothing.
   */
  erase(guestId: string, context?: GuestContext): Promise<Erasure>
  /** Lets the address have another session on the channel. Rejects with `invalid_input`. */
  invalidate(whose: DuplicateKey, context?: Context): Promise<Invalidation>
}

export interface RecordsParts {
  readonly connection: string
  /** Default: its own. */
  readonly locate?: Locate
}

interface RecordsPorts {
  readonly store: Store
  readonly random: Random
}

/** What can be done with the guests of a connection by its name. Throws `config_invalid` for a name that is none. */
export const guestRecords = ({ connection, locate }: RecordsParts, ports: RecordsPorts): GuestRecords =>
  recordsOf({ connection: checkedConnection(connection), ...(locate ? { locate } : {}) }, ports)

/** The same for a name that was checked. */
export function recordsOf({ connection, locate: find }: RecordsParts, { store, random }: RecordsPorts): GuestRecords {
  const located = find ?? locate(connection, store)
  const known = async (guestId: string, { api, signal }: GuestContext = {}): Promise<Located> => {
    signal?.throwIfAborted()
    return located(parseGuestId(guestId), api)
  }

  const pseudonym = pseudonyms(connection, { store, random })
  const about = ({ subject }: { readonly subject: string }, context: Context = {}): About =>
    aboutOf({ connection, subject }, context, random)

  /** What else the store has of a guest: who has a session, and work left to do. */
  async function traces({ id, api, profile, request }: Credential): Promise<readonly DocumentWrite[]> {
    const left = await store.document(connection, ENRICHMENT, id)
    const work = left.value === undefined ? [] : [{ kind: ENRICHMENT, id, expect: { revision: left.revision } }]
    const { email } = openProfile(profile)
    if (typeof email !== 'string' || api === 'guest-tokens') return work
    const channelId = request?.['channelId']
    const whose = { api, email, ...(typeof channelId === 'string' ? { channelId } : {}) } as Whose
    const key = await pseudonym(whose)
    const { value, revision } = await store.document(connection, DUPLICATE, key)
    const slot = slotOf(value)
    if (!slot || guestOf(slot) !== id) return work
    const rest = forgotten(slot)
    return [...work, { kind: DUPLICATE, id: key, expect: { revision }, ...(rest ? { value: { ...rest } } : {}) }]
  }

  /** An erasure that is stored is answered whatever the look at its traces comes to. */
  async function withTraces(answer: Erasure): Promise<Erasure> {
    const since = await store.tracesSince?.().catch(() => undefined)
    return since === undefined ? answer : { ...answer, remains: [...answer.remains, TRACES] }
  }

  return {
    async show(guestId, context) {
      return viewOf((await known(guestId, context)).credential)
    },
    async list({ after, limit = 100 } = {}, { signal } = {}) {
      signal?.throwIfAborted()
      const page = await store.list(connection, { kind: 'guest', limit, ...(after === undefined ? {} : { after }) })
      return { guests: page.credentials.map(viewOf), ...(page.next === undefined ? {} : { next: page.next }) }
    },
    async revoke(guestId, context) {
      for (;;) {
        const { credential, now } = await known(guestId, context)
        const answer = revocationOf(credential, now)
        if (hasEnded(credential)) return answer
        const change = { connection, ...revocationChange(credential, about(credential, context), now, { random }) }
        if ((await store.commit(change)) === 'done') return answer
      }
    },
    async erase(guestId, context) {
      for (;;) {
        const { credential, now } = await known(guestId, context)
        const answer = { ...revocationOf(credential, now), remains: remainsOf(credential) }
        if (credential.standing === 'erased') return withTraces(answer)
        const told = event(about(credential, context), random.uuid(), now, {
          type: 'GUEST_ERASED',
          outcome: 'success',
          generation: credential.generation + 1,
          data: { api: credential.api, upstream: answer.upstream },
        })
        const change: Change = {
          connection,
          writes: [{ credential: tombstone(credential, random.uuid()), expect: { generation: credential.generation } }],
          documents: await traces(credential),
          events: [told],
          deny: [credential.id],
        }
        if ((await store.commit(change)) === 'done') return withTraces(answer)
      }
    },
    async invalidate(whose, context) {
      context?.signal?.throwIfAborted()
      const key = await pseudonym(parseDuplicateKey(whose))
      for (;;) {
        const { value, revision } = await store.document(connection, DUPLICATE, key)
        const slot = slotOf(value)
        if (!slot || slot.state === 'free') return { freed: false }
        const former = guestOf(slot)
        const { credential, now } = await store.find(connection, former ?? key)
        const told = event(about({ subject: credential?.subject ?? random.uuid() }, context), random.uuid(), now, {
          type: 'GUEST_INVALIDATED',
          outcome: 'success',
          generation: credential?.generation ?? 0,
          data: { state: slot.state },
        })
        const free: Slot | undefined = former === undefined ? undefined : { state: 'free', former }
        const write = {
          kind: DUPLICATE,
          id: key,
          expect: { revision },
          ...(free ? { value: { ...free }, expiresAt: now + REMEMBERED } : {}),
        }
        if ((await store.commit({ connection, documents: [write], events: [told] })) === 'done') {
          return { freed: true, ...(credential === undefined ? {} : { guestId: guestIdOf(credential) }) }
        }
      }
    },
  }
}

/** How long a session that was given up may be taken over: refresh tokens die after 30 days without use. */
const REMEMBERED: Millis = 30 * DAY

/** All that is left of a guest that was erased: enough to refuse it. Nobody finds it by its former subject. */
const tombstone = (
  { connection, id, kind, api, generation, createdAt, aliveUntil, upstreamId, shared }: Credential,
  subject: string,
): Credential => ({
  connection,
  id,
  kind,
  api,
  subject,
  generation: generation + 1,
  standing: 'erased',
  createdAt,
  ...(aliveUntil === undefined ? {} : { aliveUntil }),
  // What upstream called a guest whose row has an invented id: by it the guest is refused, too.
  ...(upstreamId === undefined || api === 'guest-tokens' ? {} : { upstreamId }),
  ...(shared ? { shared } : {}),
})

function remainsOf({ api }: Credential): readonly string[] {
  if (api === 'guest-tokens') return ['Genesys Cloud: conversations that the guest had', BACKUPS]
  return [
    'Genesys Cloud: the guest with address, name and attributes, and its conversations',
    'CRM: its own profile of the customer',
    'receivers of webhooks: what they were told',
    BACKUPS,
  ]
}

const BACKUPS = 'backups of the store from before: the sealed profile and its key'
const TRACES =
  "this store: SQLite's log, which a reader or a full disk keeps from being cut; the next process that uses the store removes it"

const revocationOf = ({ aliveUntil = 0 }: Credential, now: Instant): Revocation => ({
  upstream: 'unsupported',
  local: 'done',
  ...(aliveUntil > now ? { upstreamValidUntil: Math.floor(aliveUntil) } : {}),
})

function viewOf(credential: Credential): GuestView {
  const { api, standing, generation, tokens, createdAt, request, subject } = credential
  const tokenSubject = foreignSubject(credential)
  return {
    guestId: guestIdOf(credential),
    api,
    standing,
    generation,
    scopes: tokens?.scopes ?? (request?.['scopes'] as readonly string[] | undefined) ?? [],
    verified: tokens?.verified ?? false,
    ...(tokens ? { expiresAt: endOf(tokens) } : {}),
    createdAt: Math.floor(createdAt),
    subject,
    ...(tokenSubject === undefined ? {} : { tokenSubject }),
  }
}
