import { createTryLog } from '../../domain/events/tries.ts'
import type { AccessCredential } from '../../domain/credential.ts'
import { accessTokenRenewed, CLIENT_GRANT } from '../../domain/events/access-tokens.ts'
import type { RenewalWindows } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import { rethrowWithScopes } from './required-scopes.ts'
import type { TokenAcceptor } from './accept-tokens.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import type { RenewalCall, RenewalResult, RenewalStrategy } from '../renewal/strategy.ts'
import type { AccessEventRecorder } from './event-recorder.ts'

interface ClientCredentialsParts {
  readonly connection: string
  /** Made of every input that shapes the token, so that no two different ones share a row. */
  readonly id: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly acceptor: TokenAcceptor
  readonly recorder: AccessEventRecorder
  readonly windows: RenewalWindows
}

/** The service's own access token by client credentials (RFC 6749, 4.4): asked for as often as need be. */
export function createClientCredentials(
  parts: ClientCredentialsParts,
  { random }: Pick<RenewalPorts, 'random'>,
): RenewalStrategy<AccessCredential> {
  const { connection, id, scopes, recorder, windows } = parts
  return {
    kind: 'access',
    windows,
    isSingleUse: () => false,
    about: recorder.about,
    initial: (now) => ({
      connection,
      id,
      kind: 'access',
      api: 'oauth',
      subject: random.uuid(),
      generation: 0,
      status: 'active',
      createdAt: now,
    }),
    prepare: (credential) => ({ credential, next: 'send', isRetry: false }),
    renew: (call) => renewed(parts, call, random.uuid()),
    afterFailure: ({ credential }) => ({ credential, next: 'stop' }),
    startEvents: () => [],
    failureEvents: ({ before, ...failure }) => [
      recorder.failed(before, failure, { grant: CLIENT_GRANT, asked: scopes }),
    ],
  }
}

async function renewed(
  { oauth, acceptor, scopes, recorder }: ClientCredentialsParts,
  { credential, about, now, context, hooks }: RenewalCall<AccessCredential>,
  eventId: string,
): Promise<RenewalResult<AccessCredential>> {
  const started = now()
  let sentAt: Instant = started
  const tries = createTryLog(hooks.onFailedTry)
  const watching = { ...hooks, onFailedTry: tries.onFailedTry, onSend: () => void (sentAt = now()) }
  const granted = await oauth
    .clientCredentials(scopes, watching, context.patienceMs)
    .catch((thrown: unknown) => rethrowWithScopes(thrown, scopes))
  acceptor.observeIssuerTime(granted)
  const tokens = await acceptor.accept(granted, { asked: scopes, sentAt }, now)
  const latencyMs = now() - started
  const event = accessTokenRenewed(about, {
    id: eventId,
    at: now(),
    generation: credential.generation + 1,
    statusCode: granted.status,
    latencyMs,
    data: { grant: CLIENT_GRANT, scopes: tokens.scopes, verified: tokens.verified, ...tries.data() },
  })
  recorder.renewed(latencyMs)
  return { credential: { ...credential, tokens }, events: [event] }
}
