import type { GrantCredential } from '../../domain/credential.ts'
import { Secret } from '../../domain/secret.ts'
import type { Instant } from '../../domain/time.ts'
import type { GrantTools } from './grant-refresh.ts'
import { ownerOf } from './grant-binding.ts'
import { blankGrant } from './blank-grant.ts'

/** Begins the grant with the seed if no grant is stored that yields tokens. Answers whether there is a grant then. */
export async function seedGrant(
  { connection, digest, epoch, ports, seed }: GrantTools,
  found: GrantCredential | undefined,
  revision: number,
  now: Instant,
): Promise<boolean> {
  const exists = found !== undefined && found.status !== 'revoked'
  if (!seed || (exists && !isOver(found, now))) return exists
  const known = await digest(seed.reveal())
  if (found?.request?.seed === known) return exists
  const credential = begun(found ?? blankGrant(connection, ports.random.uuid(), now), seed, known)
  const change = { connection, writes: [{ credential, expect: { generation: credential.generation, revision } }] }
  await ports.store.commit(change)
  epoch.value += 1
  return true
}

/** Whether a grant yields no tokens any more until a user signs in. */
const isOver = ({ status, tokens }: GrantCredential, now: Instant): boolean =>
  status === 'needs_reauth' || (tokens !== undefined && !tokens.refresh && now >= tokens.expiresAt)

/** A grant that has nothing but a refresh token yet. */
function begun(found: GrantCredential, refresh: Secret, seed: string): GrantCredential {
  const { intent: _over, backOff: _none, request: former = {}, ...rest } = found
  const nothing = { access: new Secret(''), scopes: [], verified: false, sentAt: 0, expiresAt: 0, renewAt: 0 }
  return {
    ...rest,
    status: 'active',
    tokens: { ...nothing, refresh },
    request: { ...ownerOf(former), seed },
  }
}
