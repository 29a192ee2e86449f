import type { Credential } from '../../domain/credential.ts'
import { event } from '../../domain/event.ts'
import type { Windows } from '../../domain/plan.ts'
import type { Instant } from '../../domain/time.ts'
import type { OAuth } from '../../upstream/oauth/oauth-api.ts'
import { throwNamingScopes } from './needed-scopes.ts'
import type { Reception } from './accept-tokens.ts'
import type { RenewalPorts } from '../renewal/renewal.ts'
import type { Order, Renewed, Strategy } from '../renewal/strategy.ts'
import type { AccessTelling } from './event-recorder.ts'

export interface ClientCredentialsParts {
  readonly connection: string
  /** Made of every input that shapes the token, so that no two different ones share a row. */
  readonly id: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly reception: Reception
  readonly telling: AccessTelling
  readonly windows: Windows
}

/** The service's own access token by client credentials (RFC 6749, 4.4): asked for as often as need be. */
export function clientCredentials(parts: ClientCredentialsParts, { random }: Pick<RenewalPorts, 'random'>): Strategy {
  const { connection, id, scopes, telling, windows } = parts
  return {
    windows,
    spends: () => false,
    about: telling.about,
    blank: (now): Credential => ({
      connection,
      id,
      kind: 'access',
      api: 'oauth',
      subject: random.uuid(),
      generation: 0,
      standing: 'active',
      createdAt: now,
    }),
    prepare: (credential) => ({ credential, next: 'send', isRetry: false }),
    renew: (order) => renewed(parts, order, random.uuid()),
    afterFailure: ({ credential }) => ({ credential, next: 'stop' }),
    begun: () => [],
    failed: ({ before, ...failure }) => [
      telling.failed(before, failure, { grant: 'client_credentials', asked: scopes }),
    ],
  }
}

async function renewed(
  { oauth, reception, scopes, telling }: ClientCredentialsParts,
  { credential, about, now, context, sending: around }: Order,
  eventId: string,
): Promise<Renewed> {
  const started = now()
  let sentAt: Instant = started
  const sending = { ...around, onSend: () => void (sentAt = now()) }
  const granted = await oauth
    .clientCredentials(scopes, sending, context.patienceMs)
    .catch((thrown: unknown) => throwNamingScopes(thrown, scopes))
  reception.hear(granted)
  const tokens = await reception.receive(granted, { asked: scopes, sentAt }, now)
  const latencyMs = now() - started
  const told = event(about, eventId, now(), {
    type: 'ACCESS_TOKEN_RENEWED',
    outcome: 'success',
    statusCode: granted.status,
    generation: credential.generation + 1,
    latencyMs,
    data: { grant: 'client_credentials', scopes: tokens.scopes, verified: tokens.verified },
  })
  telling.renewed(latencyMs)
  return { credential: { ...credential, tokens }, events: [told] }
}
