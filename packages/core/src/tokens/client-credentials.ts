import type { Credential } from '../domain/credential.ts'
import { event } from '../domain/event.ts'
import type { Windows } from '../domain/plan.ts'
import type { Instant } from '../domain/time.ts'
import type { OAuth } from '../upstream/oauth/provider.ts'
import type { Live, Renewable, RenewalPorts } from './renewal.ts'
import type { Reception } from './reception.ts'
import type { AccessTelling } from './telling.ts'

export interface ClientCredentialsParts {
  readonly connection: string
  /** The key of everything that shapes the token (see `accessTokenId`). */
  readonly id: string
  readonly oauth: OAuth
  readonly scopes: readonly string[]
  readonly reception: Reception
  readonly telling: AccessTelling
  readonly windows: Windows
}

/** The service's own access token by client credentials (RFC 6749, 4.4). */
export function clientCredentials(parts: ClientCredentialsParts, { random }: Pick<RenewalPorts, 'random'>): Renewable {
  const { connection, id, oauth, reception, scopes, telling, windows } = parts
  return {
    connection,
    id,
    windows,
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
    async renew(credential, now) {
      const started = now()
      let sentAt: Instant = started
      const granted = await oauth.clientCredentials(scopes, { onSend: () => void (sentAt = now()) })
      const tokens = await reception.receive(granted, { asked: scopes, sentAt }, now)
      const next: Live = { ...credential, tokens }
      const latencyMs = now() - started
      const facts = { type: 'ACCESS_TOKEN_RENEWED', outcome: 'success', statusCode: granted.status } as const
      const told = event(telling.about(credential), random.uuid(), now(), {
        ...facts,
        generation: credential.generation + 1,
        latencyMs,
        data: { scopes: tokens.scopes, verified: tokens.verified },
      })
      telling.renewed(latencyMs)
      return { credential: next, events: [told] }
    },
    failed: (credential, error, now) => [telling.failed(credential, error, now)],
  }
}
