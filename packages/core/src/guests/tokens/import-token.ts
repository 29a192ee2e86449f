import { isOwnedBy } from '../../domain/guest-owner.ts'
import { guestNamed } from '../../domain/guest-id.ts'
import { isUuid } from '../../domain/uuid.ts'
import type { Context } from '../../domain/context.ts'
import type { GuestCredential, GuestWithTokens } from '../../domain/credential.ts'
import { tokenImported } from '../../domain/events/guest-tokens.ts'
import { endedError, tokenEnd, hasEnded, type RenewalWindows } from '../../domain/plan.ts'
import { Secret } from '../../domain/secret.ts'
import { type Instant, type Millis, SECOND } from '../../domain/time.ts'
import { GuestpassError } from '../../domain/errors.ts'
import { stopwatch } from '../../ports/clock.ts'
import type { RenewalPorts } from '../../tokens/renewal/renewal.ts'
import type { TokenFailure } from '../../tokens/access/event-recorder.ts'
import { tokenSet } from '../../tokens/access/token-set.ts'
import { scopesOfClaims } from '../../verify/claims.ts'
import type { IssuerClock } from '../../verify/issuer-clock.ts'
import { type Claims, verdictText, type Verifier } from '../../verify/verdict.ts'
import { newGuest, GUEST_TOKENS } from './issue-guest-token.ts'
import { invalid } from '../requests/faults.ts'
import { type Locate, type Located, unknownGuest } from '../requests/locate.ts'
import { REFRESH_GRACE } from './renewal-action.ts'
import { findGuestRow } from '../requests/guest-row.ts'
import { rememberedUntil } from './accept-tokens.ts'
import type { GuestContext } from '../requests/guest-context.ts'
import { parseNewGuestId } from '../requests/guest-token-request.ts'
import type { GuestStore } from '../requests/tombstones.ts'
import { endedRequest } from './ended-request.ts'
import type { GuestEventRecorder } from '../events/event-recorder.ts'
import { foreignSubject, withTokenSubject } from '../../domain/token-subject.ts'

interface TokenImportParts {
  readonly connection: string
  readonly verifier: Verifier
  readonly issuerClock: IssuerClock
  readonly fingerprint: (token: string) => Promise<string>
  readonly windows: RenewalWindows
  readonly recorder: Pick<GuestEventRecorder, 'about' | 'refused'>
  readonly locate: Locate
  readonly ports: Pick<RenewalPorts, 'clock' | 'random'> & { readonly store: GuestStore }
}

/** Issuers count whole seconds, and clocks differ a little. */
const SAME_AGE: Millis = 2 * SECOND

/** A token from outside this store. */
interface ExternalToken {
  readonly token: string
  /** Its `sub`, if that is not the guest id. */
  readonly subject?: string | undefined
}

/**
 * Imports a token from outside for a refresh, and gives the guest with it. The token must verify, be the
 * guest's own, have expired at most 300 s ago, not be revoked, and not be older than the stored one. Its
 * `sub` is the guest id or the given subject, which is then remembered.
 *
 * Rejects with `token_invalid` and the reason (of `verify`, or `superseded`), after it recorded the event, or
 * with `guest_revoked`.
 */
export type ImportToken = (guestId: string, external: ExternalToken, context: GuestContext) => Promise<GuestCredential>

export function createImportToken(parts: TokenImportParts): ImportToken {
  return async (guestId, external, context) => {
    const { token } = external
    const elapsed = stopwatch(parts.ports.clock)
    const subject = external.subject ?? (await knownSubject(parts, guestId, context))
    try {
      const claims = await verifiedClaims(parts, guestId, token, subject)
      for (;;) {
        const found = await guestToImportInto(parts, guestId, context)
        const imported = await importIntoGuest(parts, { guestId, token, claims, context, ...found })
        if (imported) return imported
      }
    } catch (thrown) {
      if (thrown instanceof GuestpassError && thrown.code === 'token_invalid')
        await recordRefusedToken(parts, guestId, context, { error: thrown, latencyMs: elapsed() })
      throw thrown
    }
  }
}

/** The `sub` that tokens of a guest must have. */
async function knownSubject(parts: TokenImportParts, guestId: string, context: GuestContext): Promise<string> {
  const known = await located(parts, guestId, context)
  const subject = known && foreignSubject(known.credential)
  return subject ?? (isUuid(guestId) ? guestId.toLowerCase() : guestId)
}

/** Finds the guest. Undefined: it is not stored. */
const located = ({ locate }: TokenImportParts, guestId: string, context: GuestContext): Promise<Located | undefined> =>
  locate(guestId, context).catch((thrown: unknown) => {
    if (thrown instanceof GuestpassError && thrown.code === 'guest_unknown') return undefined
    throw thrown
  })

async function verifiedClaims(
  { verifier }: TokenImportParts,
  guestId: string,
  token: string,
  subject: string,
): Promise<Claims> {
  const verdict = await verifier.verify(token, { subject, graceMs: REFRESH_GRACE })
  if (verdict.valid) return verdict.claims
  throw importRefused(guestId, verdict.reason, verdictText(verdict))
}

/** Records a refused token. If the store fails, the caller still gets the error of the token. */
async function recordRefusedToken(
  parts: TokenImportParts,
  guestId: string,
  context: GuestContext,
  failure: Pick<TokenFailure, 'error' | 'latencyMs'>,
): Promise<void> {
  const { connection, ports, recorder } = parts
  try {
    const { base, now } = await guestToImportInto(parts, guestId, context)
    const event = recorder.refused(base, { ...failure, about: recorder.about(base, context), now })
    await ports.store.commit({ connection, events: [event] })
  } catch {}
}

interface TokenImport {
  readonly guestId: string
  readonly token: string
  readonly claims: Claims
  /** The guest as it is stored, or a new one. */
  readonly base: GuestCredential
  /** That of its row; 0 if it has none. */
  readonly revision: number
  readonly now: Instant
  readonly context: Context
}

/** The stored guest of a token, or a new one. */
async function guestToImportInto(
  parts: TokenImportParts,
  guestId: string,
  context: GuestContext,
): Promise<Pick<TokenImport, 'base' | 'revision' | 'now'>> {
  const { api, owner } = context
  const known = await located(parts, guestId, context)
  if (known) return { base: known.credential, revision: known.revision, now: known.now }
  if (api !== undefined && api !== GUEST_TOKENS) throw ofAnotherApi(guestId, api)
  const id = parseNewGuestId(guestId)
  const { row, revision, now, credential } = await findGuestRow(parts.connection, GUEST_TOKENS, id, parts.ports.store)
  if (credential && !isOwnedBy(credential, owner)) throw unknownGuest(parts.connection, guestId)
  return { base: newGuest(parts, row, now, owner), revision, now }
}

/** Checks the token against the guest and writes once. Undefined: the guest was written meanwhile. */
async function importIntoGuest(parts: TokenImportParts, of: TokenImport): Promise<GuestCredential | undefined> {
  const { connection, ports, recorder } = parts
  const { guestId, token, base, revision, now, context } = of
  if (base.api !== GUEST_TOKENS) throw ofAnotherApi(guestId, base.api)
  if (hasEnded(base)) throw endedError(base)
  if (base.tokens?.access.reveal() === token) return base
  const fingerprint = await parts.fingerprint(token)
  const next = withImportedToken(parts, of)
  const isOlder = base.tokens && next.tokens.sentAt < base.tokens.sentAt - SAME_AGE
  // A token that was stored here and is no longer has been replaced, maybe within the same second.
  if (isOlder || (await ports.store.issued(connection, fingerprint))) throw importRefused(guestId, 'superseded')
  const { api, generation, tokens } = next
  const about = recorder.about(next, context)
  const expiresAt = tokenEnd(tokens)
  const facts = { id: ports.random.uuid(), at: now, api, generation, scopes: tokens.scopes, expiresAt }
  const outcome = await ports.store.commit({
    connection,
    writes: [{ credential: next, expect: { generation: base.generation, revision } }],
    events: [
      ...endedRequest(base, about, { id: ports.random.uuid(), at: now }, 'superseded'),
      tokenImported(about, facts),
    ],
    issued: [{ credential: next.id, fingerprint, expiresAt: rememberedUntil(next.tokens) }],
  })
  return outcome === 'done' ? next : undefined
}

/** The guest with the token, as its next generation. */
function withImportedToken(
  { issuerClock, windows, ports }: TokenImportParts,
  { token, claims, base, now }: TokenImport,
): GuestWithTokens {
  /** An instant of the issuer's claims on the store's clock. */
  const toStore = (seconds: unknown): Instant => now + (seconds as number) * SECOND - issuerClock.now()
  const expiresAt = toStore(claims['exp'])
  const sentAt = claims['iat'] === undefined ? Math.min(now, expiresAt) : Math.min(toStore(claims['iat']), now)
  const scopes = scopesOfClaims(claims)
  const { intent: _off, backOff: _over, ...rest } = base
  const exp = (claims['exp'] as number) * SECOND
  const next = {
    ...rest,
    generation: base.generation + 1,
    tokens: tokenSet(
      { access: new Secret(token) },
      { asked: scopes, sentAt, expiresAt, exp, verified: true },
      windows,
      ports.random.float(),
    ),
    // The requested lifetime is not known.
    request: { scopes },
    aliveUntil: Math.max(base.aliveUntil ?? 0, tokenEnd({ expiresAt, exp })),
  }
  return withTokenSubject(next, claims['sub'] as string)
}

/** The tokens of another API come with refresh tokens, and cannot be imported alone. */
const ofAnotherApi = (guestId: string, api: string): GuestpassError =>
  invalid(
    [{ path: ['guestId'], message: `${guestId} is a guest of the API ${api}, whose tokens cannot be imported` }],
    {
      guestId: 'Give the id of an ephemeral guest.',
    },
  )

const importRefused = (guestId: string, reason: string, explanation = reason): GuestpassError =>
  new GuestpassError(
    'token_invalid',
    reason === 'superseded'
      ? `The token given for ${guestNamed(guestId)} is older than the stored one. It was not imported.`
      : `The token given for ${guestNamed(guestId)} is not valid (${explanation}). It was not imported.`,
    { reason },
  )
