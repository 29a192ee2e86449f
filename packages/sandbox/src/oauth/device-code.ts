import type { Clock } from '../clock.ts'
import { oauthRefusal, type Refusal } from '../refusal.ts'
import { type DeviceCode, type DeviceCodes } from './device-codes.ts'
import { required } from './form.ts'
import { invalidGrant } from './invalid-grant.ts'
import type { TokenIssuer } from './token-issuer.ts'
import type { Grant } from './token.ts'

interface DeviceGrantParts {
  readonly codes: DeviceCodes
  readonly issuer: TokenIssuer
  readonly clock: Clock
}

/** Seconds that `slow_down` adds to the interval (RFC 8628, section 3.5). */
const SLOW_DOWN_SECONDS = 5

/** The device code grant: RFC 8628, sections 3.4 and 3.5. */
export function deviceCodeGrant({ codes, issuer, clock }: DeviceGrantParts): Grant {
  /** A device that polls too early has a longer interval from then on. */
  const paced = (text: string, code: DeviceCode): Refusal | undefined => {
    const now = clock.now()
    const early = code.polledAt !== undefined && now < code.polledAt + code.interval * 1000
    codes.change(text, { polledAt: now, ...(early && { interval: code.interval + SLOW_DOWN_SECONDS }) })
    return early ? refusal('slow_down', `ask every ${code.interval + SLOW_DOWN_SECONDS} seconds`) : undefined
  }
  return {
    type: 'urn:ietf:params:oauth:grant-type:device_code',
    tokens: (client, form, call) => {
      const text = required(form, 'device_code')
      const code = codes.find(text)
      if (code === undefined) throw invalidGrant('the device code is not known')
      if (code.client.id !== client.id) throw invalidGrant('the device code was issued to another client')
      if (code.spent) throw invalidGrant('the device code was used before')
      if (clock.now() >= code.expiresAt) throw refusal('expired_token', 'the device code has expired')
      if (code.decision === 'denied') throw refusal('access_denied', 'the user said no')
      if (code.decision === undefined) {
        throw paced(text, code) ?? refusal('authorization_pending', 'the user has not decided yet')
      }
      codes.change(text, { spent: true })
      const { user, at } = code.decision
      const { family, answer } = issuer.signIn({
        client,
        user,
        scopes: code.scopes,
        audience: code.audience,
        signedInAt: at,
      })
      call.note({ family: family.id })
      return answer
    },
  }
}

const refusal = (error: string, description: string): Refusal => oauthRefusal(400, error, description)
