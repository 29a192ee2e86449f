import { z } from 'zod'
import { type Clock, iso, MAX_OFFSET_MS } from '../clock.ts'
import { type Faults, scriptBody } from '../faults.ts'
import type { Journal } from '../journal.ts'
import type { Keys } from '../keys.ts'
import { limitBody, type Limits } from '../limits.ts'
import { consentBody } from '../oauth/consent.ts'
import { deviceBody, type UserDecisions } from '../oauth/sign-in-endpoints.ts'
import { clockAnswer, healthAnswer, journalAnswer, keyAnswer } from './answers.ts'
import { type GuestControlParts, guestControlRoutes } from './guest-routes.ts'
import type { ControlRoute } from './route.ts'

/** The parts of a sandbox that control routes inspect and change. */
export interface ControlParts extends GuestControlParts {
  readonly clock: Clock
  readonly faults: Faults
  readonly journal: Journal
  readonly keys: Keys
  readonly limits: Limits
  readonly decisions: UserDecisions
}

const milliseconds = z.int().min(-MAX_OFFSET_MS).max(MAX_OFFSET_MS)

const clockBody = z.union([z.strictObject({ offsetMs: milliseconds }), z.strictObject({ advanceMs: milliseconds })], {
  error: 'either {"offsetMs": …} or {"advanceMs": …}, a whole number of milliseconds',
})
const keysBody = z.strictObject({ roll: z.literal(true), drop: z.boolean().optional() })

/**
 * The control routes.
 *
 * @param current the parts of the sandbox; a reset replaces them
 * @param reset brings the sandbox back to its start
 */
export function controlRoutes(current: () => ControlParts, reset: () => Promise<void>): readonly ControlRoute[] {
  const time = () => {
    const { clock } = current()
    return { now: iso(clock.now()), offsetMs: clock.offset() }
  }
  return [
    {
      method: 'GET',
      path: '/health',
      summary: 'Says that the sandbox is up, and the time of its clock',
      answer: healthAnswer,
      run: () => ({ status: 'up', now: iso(current().clock.now()) }),
    },
    ...journalRoutes(current),
    ...faultRoutes(current),
    {
      method: 'GET',
      path: '/clock',
      summary: 'Shows the clock',
      answer: clockAnswer,
      run: time,
    },
    {
      method: 'POST',
      path: '/clock',
      summary: 'Sets the clock ahead of the time of the machine, or moves it',
      body: clockBody,
      answer: clockAnswer,
      run: ({ body }) => {
        moveClock(current().clock, clockBody.parse(body))
        return time()
      },
    },
    {
      method: 'POST',
      path: '/keys',
      summary: 'Signs with a new key from now on; drop removes the old keys from the key-set',
      body: keysBody,
      answer: keyAnswer,
      run: async ({ body }) => ({ kid: await current().keys.roll(keysBody.parse(body)) }),
    },
    ...limitRoutes(current),
    ...decisionRoutes(current),
    ...guestControlRoutes(current),
    {
      method: 'POST',
      path: '/reset',
      summary: 'Brings the sandbox back to its start; its address, clients, users and channel keep their ids',
      run: reset,
    },
  ]
}

function moveClock(clock: Clock, move: z.infer<typeof clockBody>): void {
  const offset = 'offsetMs' in move ? move.offsetMs : clock.offset() + move.advanceMs
  clock.setOffset(milliseconds.parse(offset))
}

const journalRoutes = (current: () => ControlParts): readonly ControlRoute[] => [
  {
    method: 'GET',
    path: '/journal',
    summary: 'Lists the kept requests and their answers, oldest first; secrets and addresses show as digests',
    answer: journalAnswer,
    answerHeaders: { 'x-sandbox-dropped': 'How many older entries were dropped' },
    run: ({ setHeader }) => {
      const { journal } = current()
      setHeader('x-sandbox-dropped', String(journal.dropped()))
      return journal.entries()
    },
  },
  { method: 'DELETE', path: '/journal', summary: 'Empties the journal', run: () => current().journal.clear() },
]

const faultRoutes = (current: () => ControlParts): readonly ControlRoute[] => {
  const body = scriptBody(current().faults.operations)
  return [
    {
      method: 'GET',
      path: '/faults',
      summary: 'Lists the faults that wait for a request',
      answer: body,
      run: () => current().faults.pending(),
    },
    {
      method: 'POST',
      path: '/faults',
      summary: 'Adds faults to the script; an empty list clears it',
      body,
      answer: body,
      run: ({ body: input }) => {
        const { faults } = current()
        faults.script(input)
        return faults.pending()
      },
    },
  ]
}

const limitRoutes = (current: () => ControlParts): readonly ControlRoute[] => [
  {
    method: 'GET',
    path: '/limits',
    summary: 'Shows the rate limit of each access token',
    answer: limitBody,
    run: () => current().limits.current(),
  },
  {
    method: 'POST',
    path: '/limits',
    summary: 'Sets the rate limit; every access token starts again with nothing used',
    body: limitBody,
    answer: limitBody,
    run: ({ body }) => {
      const { limits } = current()
      limits.set(limitBody.parse(body))
      return limits.current()
    },
  },
]

/** The decisions of users who sign in. */
const decisionRoutes = (current: () => ControlParts): readonly ControlRoute[] => [
  {
    method: 'GET',
    path: '/consent',
    summary: 'Shows how the authorize endpoint decides',
    answer: consentBody,
    run: () => current().decisions.consent.current(),
  },
  {
    method: 'POST',
    path: '/consent',
    summary: 'Makes the authorize endpoint decide at once, or show its page again',
    body: consentBody,
    answer: consentBody,
    run: ({ body }) => {
      const { consent } = current().decisions
      consent.set(body)
      return consent.current()
    },
  },
  {
    method: 'POST',
    path: '/device',
    summary: 'Approves or denies the sign-in of a device',
    body: deviceBody,
    run: ({ body }) => current().decisions.device(body),
  },
]
