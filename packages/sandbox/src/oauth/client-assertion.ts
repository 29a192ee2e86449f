import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import type { Clock } from '../clock.ts'
import { algorithms } from '../keys.ts'
import { oauthRefusal } from '../refusal.ts'
import { type Client, type ClientAssertion, invalidClient } from './clients.ts'
import { forgetExpired } from './expiry.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

interface ClientAssertionParts {
  readonly clients: readonly Client[]
  readonly issuer: () => string
  readonly clock: Clock
}

/**
 * RFC 7523, section 3 (`private_key_jwt`): issuer and subject are the client, the audience is this server,
 * and each `jti` is accepted once.
 */
export function createClientAssertion({ clients, issuer, clock }: ClientAssertionParts): ClientAssertion {
  const used = new Map<string, { readonly expiresAt: number }>()
  const once = (id: string, expiresAt: number): boolean => {
    forgetExpired(used, clock.now())
    const fresh = !used.has(id)
    used.set(id, { expiresAt })
    return fresh
  }
  return async (form, assertion) => {
    if (form['client_assertion_type'] !== TYPE) {
      throw oauthRefusal(400, 'invalid_request', `client_assertion_type is ${TYPE}`)
    }
    const client = clients.find(({ id }) => id === subject(assertion))
    if (client?.keys === undefined || (form['client_id'] ?? client.id) !== client.id) throw invalidClient()
    const { payload } = await jwtVerify(assertion, createLocalJWKSet({ keys: [...client.keys] }), {
      algorithms: [...algorithms],
      issuer: client.id,
      subject: client.id,
      audience: [issuer(), `${issuer()}/oauth/token`, `${issuer()}/api/v2/oauth/token`],
      requiredClaims: ['exp', 'jti'],
      currentDate: new Date(clock.now()),
    }).catch((error: Error) => {
      throw invalidClient(`the assertion is not valid: ${error.message}`)
    })
    if (!once(`${client.id} ${payload.jti}`, Number(payload.exp) * 1000)) {
      throw invalidClient('the assertion was used before')
    }
    return client
  }
}

function subject(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub
  } catch {
    return undefined
  }
}
