import type { Credential } from '../domain/credential.ts'
import type { Secret } from '../domain/secret.ts'
import { GuestpassError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
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

/**
 * By a refresh token that each refresh uses up. The intent is written down before it is sent; where its answer is lost the guest is
 * `in_doubt` and served to the end of its token; then the old refresh token is sent once more, declared as the last resort; then
 * the guest has to be authenticated again.
 */
export function rotatingRefresh(parts: RotatingRefreshParts, { random }: { readonly random: Random }): Way {
  const { format, obtain, reception } = parts
  return {
    available: parts.available,
    prepare(credential, now) {
      const { intent, tokens, standing } = credential
      if (!tokens?.refresh) throw spent(credential)
      const note = { id: random.uuid(), holder: parts.holder, startedAt: now }
      if (!intent && standing === 'active') return { ...credential, intent: { ...note, action: 'refresh' } }
      if (intent?.action === 'last_resort') return ended(credential)
      // Whoever wrote the intent is gone: what it names may have been sent.
      if (now < tokens.expiresAt) return { ...credential, standing: 'in_doubt' }
      return { ...credential, standing: 'in_doubt', intent: { ...note, action: 'last_resort' } }
    },
    async renew(order) {
      const { credential } = order
      const { standing, intent, id, upstreamId = id, tokens } = credential
      if (standing === 'needs_reauth' || !tokens?.refresh) throw spent(credential)
      if (standing === 'in_doubt' && intent?.action !== 'last_resort') throw doubtful(credential)
      // The answer cannot be asked for again, and must be verified when it comes.
      await reception.ready(format)
      const { refresh } = tokens
      const made = await obtain(order, {
        words: REFRESHED,
        terms: { subject: upstreamId, scopes: [], format, renewable: true },
        ask: (onSend) => parts.refresh(refresh, onSend),
      })
      return { ...made, credential: { ...made.credential, standing: 'active' } }
    },
    otherwise(credential, { code }, _now) {
      const { intent } = credential
      if (credential.standing === 'needs_reauth') return undefined
      if (code === 'refresh_impossible' || code === 'token_refused') return ended(credential)
      if (code !== 'in_doubt') return undefined
      return intent?.action === 'last_resort' ? ended(credential) : { ...credential, standing: 'in_doubt' }
    },
    // Upstream did nothing: the refresh token is as good as before, and so is the last resort.
    left({ intent: _over, ...rest }) {
      return rest
    },
  }
}

/** The refresh token is spent: what there is serves to its end. */
const ended = ({ intent: _over, ...rest }: Credential): Credential => ({ ...rest, standing: 'needs_reauth' })

const spent = ({ id }: Credential): GuestpassError =>
  new GuestpassError('needs_reauth', `Guest ${id} cannot be renewed any more. Authenticate the guest again.`)

const doubtful = ({ id }: Credential): GuestpassError =>
  new GuestpassError(
    'in_doubt',
    `Guest ${id}: the answer to the last refresh was lost. Its token serves to its end; then the refresh is tried once more.`,
  )
