import { z } from 'zod'
import type { Access } from '../access.ts'
import type { Clock } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Keys } from '../keys.ts'
import type { Randomness } from '../random.ts'
import type { AccessTokens } from './access-tokens.ts'
import { authorizationCodeGrant } from './authorization-code.ts'
import { authorizeEndpoints } from './authorize.ts'
import type { Authenticate } from './client-endpoint.ts'
import type { Client } from './clients.ts'
import { createAuthorizationCodes } from './codes.ts'
import { type Consent, createConsent, userId } from './consent.ts'
import { deviceAuthorizationEndpoint } from './device-authorization.ts'
import { deviceCodeGrant } from './device-code.ts'
import { createDeviceCodes } from './device-codes.ts'
import { devicePageEndpoints } from './device-page.ts'
import { introspectionEndpoint } from './introspection.ts'
import { createTokenIssuer } from './token-issuer.ts'
import { logoutEndpoint } from './logout.ts'
import { refreshTokenGrant } from './refresh-token.ts'
import { createRefreshTokens } from './refresh-tokens.ts'
import { revocationEndpoint } from './revocation.ts'
import type { signInShape } from './sign-in-options.ts'
import { createFormTokens } from './form-tokens.ts'
import type { Grant } from './token.ts'
import { type User, createUsers } from './users.ts'
import { userinfoEndpoints } from './userinfo.ts'
import { usersMeEndpoint } from './users-me.ts'

/** The decision on a device sign-in (RFC 8628), as its user makes it on the page `/device`. */
export interface DeviceDecision {
  /** The code that the device shows. Blanks, dashes and case do not matter. */
  readonly userCode: string
  /** True allows the sign-in, false denies it. */
  readonly approve: boolean
  /** The id of the user who signs in. Default the first user. */
  readonly user?: string | undefined
}

/** A decision from a control route. */
export const deviceBody = z.strictObject({
  userCode: z.string(),
  approve: z.boolean(),
  user: z.string().optional(),
})

/** The decisions of users that tests and control routes can make. */
export interface UserDecisions {
  readonly consent: Pick<Consent, 'current' | 'set'>
  /** Throws a ZodError if the input is not a decision, or no device with this code waits for one. */
  readonly device: (input: unknown) => void
}

/** The endpoints and grants of sign-ins, and the decisions on them. */
export interface SignInEndpoints extends UserDecisions {
  readonly users: readonly User[]
  readonly grants: readonly Grant[]
  readonly endpoints: readonly Endpoint[]
}

interface SignInEndpointsParts {
  readonly settings: z.infer<z.ZodObject<typeof signInShape>>
  readonly clients: readonly Client[]
  readonly authenticate: Authenticate
  readonly access: Access
  readonly tokens: AccessTokens
  readonly issuer: () => string
  readonly clock: Clock
  readonly keys: Keys
  readonly random: Randomness
}

export function createSignInEndpoints(parts: SignInEndpointsParts): SignInEndpoints {
  const { settings, clients, authenticate, access, tokens, issuer, clock, random } = parts
  const users = createUsers(settings.users, random)
  const choice = createConsent(settings.autoConsent, users)
  const codes = createAuthorizationCodes({ clock, random, lifetimeMs: settings.authorizationCodeSeconds * 1000 })
  const devices = createDeviceCodes({ clock, random, interval: settings.deviceIntervalSeconds })
  const refreshing = createRefreshTokens({ clock, random })
  const tokenIssuer = createTokenIssuer({ ...parts, refreshTokens: refreshing })
  const rules = { profile: settings.refreshProfile, graceMs: settings.graceSeconds * 1000, rotate: settings.rotate }
  const decision = deviceDecision(userId(users), (userCode) => devices.waiting(userCode) !== undefined)
  return {
    users: users.all,
    grants: [
      authorizationCodeGrant({ codes, issuer: tokenIssuer, clock }),
      refreshTokenGrant({ rules, refreshTokens: refreshing, issuer: tokenIssuer, clock }),
      deviceCodeGrant({ codes: devices, issuer: tokenIssuer, clock }),
    ],
    endpoints: [
      ...authorizeEndpoints({
        issuer,
        clients,
        users,
        consent: choice,
        codes,
        formTokens: createFormTokens({ clock, random }),
        clock,
      }),
      deviceAuthorizationEndpoint(issuer, devices, authenticate),
      ...devicePageEndpoints({ codes: devices, users, formTokens: createFormTokens({ clock, random }) }),
      revocationEndpoint(tokens, refreshing, authenticate),
      introspectionEndpoint({ issuer, tokens, refreshTokens: refreshing, authenticate, now: clock.now }),
      ...userinfoEndpoints(access),
      logoutEndpoint(clients),
      usersMeEndpoint(access),
    ],
    consent: choice,
    device: (input) => {
      const { userCode, approve, user } = decision.parse(input)
      devices.decide(userCode, approve ? (users.find(user) ?? users.first) : undefined)
    },
  }
}

function deviceDecision(user: ReturnType<typeof userId>, isWaiting: (userCode: string) => boolean) {
  const userCode = z.string().refine(isWaiting, { error: 'no device that waits shows this code' })
  return deviceBody.extend({ userCode, user: user.optional() })
}
