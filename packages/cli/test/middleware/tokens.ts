import { connection, guestRecords, memoryStore, resolveHosts, Secret } from '@guestpass/core'
import { nodePorts } from '@guestpass/core/node'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { createTokenIssuer } from '../e2e/token-issuer.ts'

export const SEND = 'webmessaging:guest:send'
export const RECEIVE = 'webmessaging:guest:receive'
/** A guest, and another one. */
export const ANN = '11111111-1111-4111-8111-111111111111'
const BOB = '22222222-2222-4222-8222-222222222222'

const HOUR = 3_600_000

/** Tokens of every kind, of one sandbox. */
export type TokenKind = 'valid' | 'other' | 'narrow' | 'expired' | 'wrongKey' | 'revoked'

async function issuedTokens(upstream: Sandbox) {
  const ports = { ...nodePorts(), store: memoryStore() }
  const client = {
    id: upstream.env['GENESYS_CLIENT_ID'] ?? '',
    secret: new Secret(upstream.env['GENESYS_CLIENT_SECRET'] ?? ''),
  }
  const hosts = resolveHosts({ baseUrl: upstream.url })
  const gp = await connection({ hosts, client }, ports)
  const issue = async (from: typeof gp, guestId: string, scopes: readonly string[]): Promise<string> =>
    (await from.guests.issue({ guestId, scopes, duration: 'shortSession' })).token.reveal()

  const both = [SEND, RECEIVE]
  const valid = await issue(gp, ANN, both)
  const other = await issue(gp, BOB, both)
  const narrow = await issue(gp, '33333333-3333-4333-8333-333333333333', [RECEIVE])
  const leaver = '44444444-4444-4444-8444-444444444444'
  const revoked = await issue(gp, leaver, both)
  await guestRecords({ connection: 'default' }, ports).revoke(leaver)
  upstream.setClock(-2 * HOUR)
  const past = await connection({ hosts, client }, { ...ports, store: memoryStore() })
  const expired = await issue(past, ANN, both)
  upstream.setClock(0)
  const part = (token: string, at: number): Record<string, unknown> =>
    JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString()) as Record<string, unknown>
  const wrongKey = createTokenIssuer().token(part(valid, 1), part(valid, 0), 'RS256')
  const tokens: Readonly<Record<TokenKind, string>> = { valid, other, narrow, expired, wrongKey, revoked }

  /** A connection to the same upstream whose key-set nothing answers for. */
  const keyless = await connection(
    { hosts: resolveHosts({ baseUrl: upstream.url, jwksUrl: 'http://127.0.0.1:1/jwks' }), client },
    { ...ports, store: memoryStore() },
  )
  return { verifier: gp.verifier, keyless: keyless.verifier, tokens, close: ports.close }
}

/** A sandbox, tokens of every kind, and what verifies them. */
export async function tokenKinds() {
  const upstream = await sandbox()
  const issued = await issuedTokens(upstream)
  return { ...issued, close: async () => void (await Promise.all([issued.close(), upstream.close()])) }
}

export type TokenKinds = Awaited<ReturnType<typeof tokenKinds>>
