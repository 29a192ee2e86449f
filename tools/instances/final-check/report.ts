import { hasEnded } from '@guestpass/core/runtime-kit'
import { createReport } from '../../crash-tests/creates/create-report.ts'
import { personIn } from '../../crash-tests/creates/persons.ts'
import { invariantReport as refreshReport } from '../../crash-tests/invariant-report.ts'
import { invariantReport as rotationReport } from '../../crash-tests/rotation/invariant-report.ts'
import type { KeyedRequest } from '../traffic/answers.ts'
import type { Evidence } from './evidence.ts'
import { wrongWebhooks } from './webhooks.ts'

/** What answers, store, upstream and webhooks contradict each other in. A line for each violation. */
export interface Report {
  /** Acknowledged guests, tokens and revocations that the store does not have. */
  readonly lost: readonly string[]
  /** What took effect twice: creates, refreshes, answers to one key, tokens of one generation, webhooks. */
  readonly doubled: readonly string[]
  /** Refreshes that took effect upstream, of all APIs. */
  readonly refreshes: number
  /** Guests that the upstream made for persons. */
  readonly creates: number
  /** Lost answers that the events declare as in doubt. */
  readonly inDoubt: number
}

/** Compares what was acknowledged with the store, the events, the upstream and the webhooks. */
export function reportOf(evidence: Evidence): Report {
  const { answers, journal, guests, events, received } = evidence
  const { given, persons } = answers
  const creates = createReport({ given, journal, credentials: guests, events, persons })
  const ofGuestTokens = guests.filter(({ api }) => api === 'guest-tokens')
  const refreshes = refreshReport({ acknowledged: [], journal, credentials: ofGuestTokens, events })
  // A revocation has a generation of its own.
  const alive = ofGuestTokens.filter((guest) => !hasEnded(guest))
  const { inconsistencies } = refreshReport({ acknowledged: [], journal, credentials: alive, events })
  const rotations = rotationsOf(evidence)
  const counted = (count: number, what: string): readonly string[] => (count > 0 ? [`${count} ${what}`] : [])
  return {
    lost: [
      ...lostTokens(evidence),
      ...lostAccessTokens(evidence),
      ...lostRevocations(evidence),
      ...creates.lost,
      ...creates.silent,
      ...creates.undeclared,
      ...inconsistencies,
      ...rotations.silences,
      ...answers.violations,
    ],
    doubled: [
      ...twoTokens(evidence),
      ...twoAnswers(answers.keyed),
      ...twoGuests(evidence),
      ...twoMints(evidence),
      ...creates.doubled,
      ...refreshes.doubledRefreshes.map(({ text }) => text),
      ...counted(rotations.undeclared, 'refresh tokens were presented twice, undeclared'),
      ...rotations.presentations,
      ...wrongWebhooks(events, received),
    ],
    refreshes: refreshes.effects + rotations.effects,
    creates: creates.made,
    inDoubt: creates.inDoubt + rotations.inDoubt,
  }
}

/** The report on refresh tokens that each use spends: those of the sign-in and of engagement guests. */
function rotationsOf({ journal, guests, grants, events }: Evidence) {
  const engagements = guests.filter(({ api }) => api === 'engagements')
  return rotationReport({
    // Tokens are compared with the store by `lostTokens`.
    given: [],
    journal,
    connections: [
      { name: 'grant', api: 'grant', credentials: grants, events },
      { name: 'engagements', api: 'engagements', credentials: engagements, events },
    ],
  })
}

/** Tokens that were acknowledged, and that the store neither has nor has replaced. */
function lostTokens({ answers, guests }: Evidence): readonly string[] {
  const stored = new Map(guests.map((guest) => [guest.id, guest]))
  return answers.tokens.flatMap(({ guestId, generation, token }) => {
    const guest = stored.get(guestId)
    const isSame = guest?.generation === generation && guest.tokens?.access.reveal() === token
    const isEnded = guest?.generation === generation && answers.revoking.has(guestId)
    if (guest && (guest.generation > generation || isSame || isEnded)) return []
    return [`guest ${guestId}: generation ${generation} was acknowledged, the store has ${guest?.generation ?? 'none'}`]
  })
}

/** Access tokens of a generation that the store does not have. */
function lostAccessTokens({ answers: { accessTokens }, grants }: Evidence): readonly string[] {
  const newest = Math.max(0, ...grants.map(({ generation }) => generation))
  return [...new Set(accessTokens.map(({ generation }) => generation))]
    .filter((generation) => generation > newest)
    .map((generation) => `access token generation ${generation} was acknowledged, the store has ${newest}`)
}

function lostRevocations({ answers: { revoked, revoking }, guests }: Evidence): readonly string[] {
  const ended = new Set(guests.filter((guest) => hasEnded(guest)).map(({ id }) => id))
  return [
    ...[...revoked].filter((id) => !ended.has(id)).map((id) => `guest ${id} was revoked, and the store has it alive`),
    ...guests
      .filter(({ id, status }) => status === 'revoked' && !revoking.has(id))
      .map(({ id }) => `guest ${id} is revoked, and no request asked for it`),
  ]
}

/** Generations of a guest, or of the access token, that were acknowledged with two tokens. */
function twoTokens({ answers: { tokens, accessTokens } }: Evidence): readonly string[] {
  const all = [
    ...tokens.map(({ guestId, generation, token }) => ({ of: `guest ${guestId} generation ${generation}`, token })),
    ...accessTokens.map(({ generation, token }) => ({ of: `access token generation ${generation}`, token })),
  ]
  return [...Map.groupBy(all, ({ of }) => of)]
    .filter(([, same]) => new Set(same.map(({ token }) => token)).size > 1)
    .map(([which]) => `${which} was acknowledged with two tokens`)
}

const twoAnswers = (keyed: readonly KeyedRequest[]): readonly string[] =>
  keyed
    .filter(({ answers }) => answers.size > 1)
    .map(({ key, answers }) => `request ${key} got ${[...answers].map(withoutTokens).join(' and ')}`)

const withoutTokens = (answer: string): string =>
  answer.replaceAll(/[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g, (token) => `…${token.slice(-6)}`)

/** Requests with an Idempotency-Key for which the store has two guests. */
function twoGuests({ events }: Evidence): readonly string[] {
  const first = events.filter(
    ({ type, generation, correlationId }) =>
      type === 'TOKEN_GENERATED_SUCCESS' && generation === 1 && correlationId.startsWith('visit:'),
  )
  return [...Map.groupBy(first, ({ correlationId }) => personIn(correlationId))]
    .filter(([, same]) => new Set(same.map(({ subject }) => subject)).size > 1)
    .map(([key]) => `request ${key} made two guests`)
}

/** Requests that were sent upstream more often than their answers explain. */
function twoMints({ answers, journal }: Evidence): readonly string[] {
  const mints = Map.groupBy(
    journal.filter(({ operation, status }) => operation === 'mint' && status === 200),
    ({ guestId }) => guestId ?? '',
  )
  return answers.keyed.flatMap(({ key, body, unclear }) => {
    const guestId = 'guestId' in body ? String(body['guestId']) : ''
    const count = mints.get(guestId)?.length ?? 0
    return count > 1 + unclear ? [`request ${key}: the upstream minted ${count} tokens, ${unclear} may be repeats`] : []
  })
}
