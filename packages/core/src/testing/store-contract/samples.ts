import { type AccessCredential, type Credential, type GuestCredential, type TokenSet } from '../../domain/credential.ts'
import type { Event, EventType } from '../../domain/events/event.ts'
import type { EventBase, EventOutcome } from '../../domain/events/event-parts.ts'
import type { Json } from '../../domain/json.ts'
import { profileSecret } from '../../domain/profile.ts'
import { Secret } from '../../domain/secret.ts'
import type { Store, CredentialWrite } from '../../ports/store.ts'

/** The connection of the samples, and another tenant. */
export const HOME = 'default'
export const NEIGHBOUR = 'neighbour'

const AT = Date.UTC(2026, 0, 1)

export const tokens = (text: string): TokenSet => ({
  access: new Secret(`access-${text}`),
  refresh: new Secret(`refresh-${text}`),
  scopes: ['conversations', 'webchat:guest'],
  verified: true,
  sentAt: AT + 0.25,
  expiresAt: AT + 3_600_000,
  renewAt: AT + 3_300_000.5,
})

export const credential = (id: string, generation = 0, more: Partial<GuestCredential> = {}): GuestCredential => ({
  connection: HOME,
  id,
  kind: 'guest',
  api: 'guest-tokens',
  subject: `subject-of-${id}`,
  generation,
  status: 'active',
  createdAt: AT + 0.125,
  ...(generation > 0 ? { tokens: tokens(`${id}-${generation}`) } : {}),
  ...more,
})

/** An access token of the service. */
export const accessCredential = (id: string, more: Pick<AccessCredential, 'tokens'> = {}): AccessCredential => ({
  connection: HOME,
  id,
  kind: 'access',
  api: 'oauth',
  subject: `subject-of-${id}`,
  generation: 1,
  status: 'active',
  createdAt: AT + 0.125,
  tokens: tokens(`${id}-1`),
  ...more,
})

/**
 * A credential with every optional part. The type demands it, so that a new part is tested with every store.
 */
export const fullCredential = (id: string, generation = 1): Required<GuestCredential> => ({
  ...credential(id, generation),
  tokens: tokens(`${id}-${generation}`),
  upstreamId: 'guest-token-1',
  shared: true,
  owner: 'group:shop',
  aliveUntil: AT + 3_600_000.5,
  intent: { id: 'b8f6f3a6-5f1f-4a41-9b62-0d3c0b6f3a11', action: 'refresh', holder: 'process-1', startedAt: AT + 7.5 },
  backOff: { until: AT + 9, failures: 3, code: 'upstream_unavailable', message: 'Upstream answered 503.' },
  profile: profileSecret({ email: 'ann@example.com', attributes: { plan: 'gold' } }),
  person: 'digest-of-ann',
  request: {
    durationSeconds: 3600,
    scopes: ['conversations'],
    assurance: 'verified',
    channelId: 'ünïcode ✓',
    consentTimestamp: '2026-01-01T00:00:00.000Z',
  },
})

/** A write that replaces `generation`: by default the one before that of the credential. */
export const write = (
  next: Credential,
  generation = Math.max(0, next.generation - 1),
  revision?: number,
): CredentialWrite => ({
  credential: next,
  expect: { generation, ...(revision === undefined ? {} : { revision }) },
})

/** Members of an event in any combination: a store keeps whatever data an event has. */
type EventMembers = Partial<EventBase> & {
  readonly type?: EventType
  readonly outcome?: EventOutcome
  readonly data?: Readonly<Record<string, Json>>
}

export const event = (id: string, more: EventMembers = {}): Event =>
  ({
    id: `00000000-0000-4000-8000-${id.padStart(12, '0')}`,
    type: 'TOKEN_GENERATED_SUCCESS',
    outcome: 'success',
    at: AT + 0.5,
    actor: 'library',
    connection: HOME,
    subject: 'subject-of-a-visitor',
    generation: 1,
    correlationId: 'one-request',
    ...more,
  }) as Event

/** Stores a credential that is not stored yet. */
export const put = async (store: Store, next: Credential): Promise<void> => {
  const outcome = await store.commit({ connection: next.connection, writes: [write(next, 0)] })
  if (outcome !== 'done') throw new Error(`The store answered ${outcome} to the first write of ${next.id}.`)
}

/** A credential whose secrets can be compared: test frameworks see no difference between two secrets. */
export const revealed = (of: Credential | undefined): unknown =>
  of && {
    ...of,
    ...('profile' in of ? { profile: opened(of.profile) } : {}),
    ...(of.tokens
      ? { tokens: { ...of.tokens, access: opened(of.tokens.access), refresh: opened(of.tokens.refresh) } }
      : {}),
  }

const opened = (secret: unknown): unknown => (secret instanceof Secret ? { secret: secret.reveal() } : secret)
