import { z } from 'zod'
import type { Access } from '../access.ts'
import type { Clock } from '../clock.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Keys } from '../keys.ts'
import type { Randomness } from '../random.ts'
import type { AccessTokens } from './access-tokens.ts'
import { authorizationCode } from './authorization-code.ts'
import { authorize } from './authorize.ts'
import type { Authenticate } from './client-endpoint.ts'
import type { Client } from './clients.ts'
import { codes } from './codes.ts'
import { type Consent, consent, userId } from './consent.ts'
import { deviceAuthorization } from './device-authorization.ts'
import { deviceCode } from './device-code.ts'
import { deviceCodes } from './device-codes.ts'
import { devicePage } from './device-page.ts'
import { introspection } from './introspection.ts'
import { issuance } from './issuance.ts'
import { logout } from './logout.ts'
import { refreshToken } from './refresh-token.ts'
import { refreshTokens } from './refresh-tokens.ts'
import { revocation } from './revocation.ts'
import type { signInShape } from './sign-in-options.ts'
import { tickets } from './tickets.ts'
import type { Grant } from './token.ts'
import { type User, users } from './users.ts'
import { userinfo } from './userinfo.ts'
import { usersMe } from './users-me.ts'

/** Decides for a device, as its user would on the page `/device`. */
export interface DeviceDecision {
  readonly userCode: string
  readonly approve: boolean
  /** The id of the user who signs in; default the first. */
  readonly user?: string | undefined
}

/** What tests and control routes decide in a user's place. */
export interface UserDecisions {
  readonly consent: Pick<Consent, 'current' | 'set'>
  /** Throws a ZodError when the input is not a decision, or no device with this code waits for one. */
  readonly device: (input: unknown) => void
}

/** All that a user's sign-in needs of the sandbox. */
export interface SignInSide extends UserDecisions {
  readonly users: readonly User[]
  readonly grants: readonly Grant[]
  readonly endpoints: readonly Endpoint[]
}

export interface SignInParts {
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

export function signIn(parts: SignInParts): SignInSide {
  const { settings, clients, authenticate, access, tokens, issuer, clock, random } = parts
  const people = users(settings.users, random)
  const choice = consent(settings.autoConsent, people)
  const waiting = codes({ clock, random, lifetimeMs: settings.authorizationCodeSeconds * 1000 })
  const devices = deviceCodes({ clock, random, interval: settings.deviceIntervalSeconds })
  const refreshing = refreshTokens({ clock, random })
  const issuing = issuance({ ...parts, refreshTokens: refreshing })
  const rules = { profile: settings.refreshProfile, graceMs: settings.graceSeconds * 1000, rotate: settings.rotate }
  const decision = deviceDecision(userId(people), (userCode) => devices.waiting(userCode) !== undefined)
  return {
    users: people.all,
    grants: [
      authorizationCode({ codes: waiting, issuance: issuing, clock }),
      refreshToken({ rules, refreshTokens: refreshing, issuance: issuing, clock }),
      deviceCode({ codes: devices, issuance: issuing, clock }),
    ],
    endpoints: [
      ...authorize({
        issuer,
        clients,
        users: people,
        consent: choice,
        codes: waiting,
        tickets: tickets({ clock, random }),
        clock,
      }),
      deviceAuthorization(issuer, devices, authenticate),
      ...devicePage({ codes: devices, users: people, tickets: tickets({ clock, random }) }),
      revocation(tokens, refreshing, authenticate),
      introspection({ issuer, tokens, refreshTokens: refreshing, authenticate, now: clock.now }),
      ...userinfo(access),
      logout(clients),
      usersMe(access),
    ],
    consent: choice,
    device: (input) => {
      const { userCode, approve, user } = decision.parse(input)
      devices.decide(userCode, approve ? (people.find(user) ?? people.first) : undefined)
    },
  }
}

function deviceDecision(user: ReturnType<typeof userId>, isWaiting: (userCode: string) => boolean) {
  const userCode = z.string().refine(isWaiting, { error: 'no device that waits shows this code' })
  return z.strictObject({ userCode, approve: z.boolean(), user: user.optional() })
}
