import type { Credential } from '../domain/credential.ts'
import type { Secret } from '../domain/secret.ts'
import type { Random } from '../ports/random.ts'
import { needingReauth, rotation } from '../tokens/rotation.ts'
import type { Granted } from '../upstream/granted.ts'
import { type Obtain, REFRESHED } from './obtain.ts'
import type { Reception, Terms } from './reception.ts'
import type { Way } from './way.ts'

export interface RotatingRefreshParts {
  readonly refresh: (refreshToken: Secret, onSend: () => void) => Promise<Granted>
  readonly obtain: Obtain
  readonly reception: Pick<Reception, 'ready'>
  readonly format: Terms['format']
  readonly holder: string
  readonly available: () => void
}

/** By a refresh token that each refresh uses up (see tokens/rotation.ts); when it is spent the guest has to be authenticated again. */
export function rotatingRefresh(parts: RotatingRefreshParts, { random }: { readonly random: Random }): Way {
  const { format, holder, obtain, reception } = parts
  const words = ({ id }: Credential) => ({ whose: `Guest ${id}`, remedy: 'Authenticate the guest again.' })
  const { prepare, permit, otherwise, left } = rotation({ holder, words }, random)
  return {
    available: parts.available,
    prepare,
    left,
    async renew(order) {
      const { credential, now } = order
      permit(credential, now())
      // The answer cannot be asked for again, and must be verified when it comes.
      await reception.ready(format)
      const { id, upstreamId = id, tokens } = credential
      const made = await obtain(order, {
        words: REFRESHED,
        terms: { subject: upstreamId, scopes: [], format, renewable: true },
        ask: (onSend) => parts.refresh(tokens?.refresh as Secret, onSend),
      })
      return { ...made, credential: { ...made.credential, standing: 'active' } }
    },
    // A token that does not verify is thrown away, and the refresh token that came with it.
    otherwise: (credential, error, now) =>
      error.code === 'token_refused' ? needingReauth(credential) : otherwise(credential, error, now),
  }
}
