import { randomUUID } from 'node:crypto'
import { correlationOf, emailOf, type PersonApi } from '../../crash-tests/creates/persons.ts'
import type { SeededRandom } from '../../crash-tests/random.ts'
import { type Answers, type GuestRequest, type IssuedGuest, type KeyedRequest, openRequests } from './answers.ts'
import { type Answered, ask, type Clients, isOpen } from './service-call.ts'

/** What jobs use. */
export interface JobParts {
  readonly instances: readonly Clients[]
  readonly channelId: string
  readonly answers: Answers
  /** Seconds that guest tokens live: from the first to the second. */
  readonly lives: readonly [number, number]
  /** How long a client waits for an answer, in milliseconds: one of these, as some clients are impatient. */
  readonly patienceMs: readonly [number, ...number[]]
}

/** One piece of work of a client: some requests. */
export type Job = (parts: JobParts, random: SeededRandom) => Promise<void>

/** How often a request is sent before another client takes it up later. */
const TRIES = 4
const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']

const signalOf = ({ patienceMs }: JobParts, random: SeededRandom): { readonly signal: AbortSignal } => ({
  signal: AbortSignal.timeout(random.pick(patienceMs)),
})

/** The clients of an instance that is not known to be up. */
const anyInstance = ({ instances }: JobParts, random: SeededRandom): Clients =>
  instanceAt(instances, random.whole(0, 99))

function instanceAt(instances: readonly Clients[], at: number): Clients {
  const found = instances[at % instances.length]
  if (!found) throw new RangeError('There is no instance.')
  return found
}

/** Sends to one instance; now and then to two at the same time, which must not both take effect. */
async function atOneOrTwo<T>(
  { instances }: JobParts,
  random: SeededRandom,
  send: (clients: Clients) => Promise<T>,
): Promise<readonly T[]> {
  const first = random.whole(0, 99)
  const isTwice = random.whole(1, 3) === 1
  return Promise.all((isTwice ? [first, first + 1] : [first]).map((at) => send(instanceAt(instances, at))))
}

const issueAnonymous: Job = (parts, random) => {
  const own = random.whole(0, 1) === 1 ? { guestId: randomUUID() } : {}
  const body = { ...own, duration: random.whole(...parts.lives), scopes: SCOPES } as const
  return issue(parts, random, keyedRequest(parts, `visit:${parts.answers.keyed.length}`, body))
}

const issueForPerson =
  (api: PersonApi): Job =>
  async (parts, random) => {
    const { persons } = parts.answers
    // Often the person is one for whom another client has asked, so that two creates may meet.
    const isKnown = persons[api] > 0 && random.whole(1, 3) === 1
    const nth = isKnown ? Math.max(0, persons[api] - random.whole(1, 4)) : persons[api]
    persons[api] = Math.max(persons[api], nth + 1)
    const body = personRequest(parts, api, nth)
    await issue(parts, random, keyedRequest(parts, `${api}-${nth}-${parts.answers.keyed.length}`, body, { api, nth }))
  }

function personRequest({ channelId }: JobParts, api: PersonApi, nth: number): GuestRequest {
  const person = { email: emailOf(api, nth), name: `Person ${nth}`, assurance: 'verified', onDuplicate: 'reuse' }
  return api === 'engagements' ? { api, ...person, consent: true, channelId } : { api, ...person }
}

function keyedRequest(
  { answers }: JobParts,
  key: string,
  body: GuestRequest,
  person?: KeyedRequest['person'],
): KeyedRequest {
  const request: KeyedRequest = { key, body, person, unclear: 0, answers: new Set() }
  answers.keyed.push(request)
  return request
}

/**
 * Sends a request until it has an answer, each time to the next instance. Now and then it is sent to two at the same
 * time, or once more after its answer.
 */
async function issue(parts: JobParts, random: SeededRandom, request: KeyedRequest): Promise<void> {
  const first = random.whole(0, 99)
  if (random.whole(1, 6) === 1) await Promise.all([first, first + 1].map((at) => sendKeyed(parts, random, request, at)))
  if (request.answers.size > 0) return
  for (let nth = 0; nth < TRIES; nth += 1) {
    if (!isOpen(await sendKeyed(parts, random, request, first + nth))) break
  }
  if (request.answers.size > 0 && random.whole(1, 4) === 1) await sendKeyed(parts, random, request, first + TRIES)
}

async function sendKeyed(
  parts: JobParts,
  random: SeededRandom,
  request: KeyedRequest,
  at: number,
): Promise<Answered<IssuedGuest>> {
  const { instances, answers } = parts
  const { key, body, person } = request
  const { issuer } = instanceAt(instances, at)
  const id = randomUUID()
  const headers = { 'x-request-id': person ? correlationOf(person.api, person.nth, id) : `${key}:${id}` }
  const { crashes } = answers
  const answered = await ask(answers, () =>
    issuer.POST('/v1/guests', {
      body,
      params: { header: { 'idempotency-key': key } },
      headers,
      ...signalOf(parts, random),
    }),
  )
  if (answered.data) keep(answers, request, answered.data)
  else if (!isOpen(answered)) refuse(answers, request, answered)
  // The person is asked for anew, by a request that permits a second guest.
  if (answered.code === 'create_in_doubt') keyedRequest(parts, `${key}-again`, { ...body, onDoubt: 'create' }, person)
  const isUnclear = !answered.data && answered.code !== 'request_in_progress'
  // Without its lease another request with the key goes to the upstream too. Their commits decide which one counts.
  const mayHaveLostLease = answers.crashes > crashes
  if (isUnclear || mayHaveLostLease) request.unclear += 1
  return answered
}

function keep(answers: Answers, request: KeyedRequest, guest: IssuedGuest): void {
  const { guestId, generation, token } = guest
  if (request.answers.size === 0 && request.person) answers.given.push({ ...request.person, guestId, generation })
  if (request.answers.size === 0 && guest.api !== 'external-users') answers.refreshable.push(guestId)
  request.answers.add(JSON.stringify(guest))
  answers.tokens.push({ guestId, generation, token })
}

/** A refusal is final. After an answer with a guest only its revocation explains it. */
function refuse({ revoking, violations }: Answers, request: KeyedRequest, { status, code }: Answered<unknown>): void {
  request.refusal = `${status} ${code}`
  for (const answer of request.answers) {
    const { guestId } = JSON.parse(answer) as IssuedGuest
    if (!(code === 'guest_revoked' && revoking.has(guestId)))
      violations.push(`request ${request.key} was answered by guest ${guestId}, and its repeat by ${status} ${code}`)
  }
}

/** Takes up a request that got no answer. */
const repeatOpen: Job = async (parts, random) => {
  const [first, ...others] = openRequests(parts.answers)
  if (first) await sendKeyed(parts, random, random.pick([first, ...others]), random.whole(0, 99))
}

/** One of the latest guests; undefined if there is none yet. */
const latestGuest = ({ refreshable }: Answers, random: SeededRandom): string | undefined =>
  refreshable.at(-random.whole(1, 40))

const tokenJob =
  (path: '/v1/guests/{guestId}/token' | '/v1/guests/{guestId}/refresh'): Job =>
  async (parts, random) => {
    const { answers } = parts
    const guestId = latestGuest(answers, random)
    if (guestId === undefined) return
    await atOneOrTwo(parts, random, async ({ issuer }) => {
      const isRevoked = answers.revoked.has(guestId)
      const asked = { params: { path: { guestId } }, ...signalOf(parts, random) }
      const { data } = await ask(answers, () => issuer.POST(path, asked))
      if (!data) return
      answers.tokens.push({ guestId, generation: data.generation, token: data.token })
      if (isRevoked) answers.violations.push(`guest ${guestId} got a token after its revocation was acknowledged`)
    })
  }

const revoke: Job = async (parts, random) => {
  const { answers } = parts
  const guestId = latestGuest(answers, random)
  if (guestId === undefined) return
  answers.revoking.add(guestId)
  const { issuer } = anyInstance(parts, random)
  const asked = { params: { path: { guestId } }, ...signalOf(parts, random) }
  const { data } = await ask(answers, () => issuer.POST('/v1/guests/{guestId}/revoke', asked))
  if (data) answers.revoked.add(guestId)
}

const verify: Job = async (parts, random) => {
  const { answers } = parts
  const last = answers.tokens.at(-random.whole(1, 40))
  if (!last) return
  const isRevoked = answers.revoked.has(last.guestId)
  const { issuer } = anyInstance(parts, random)
  const asked = { body: { token: last.token }, ...signalOf(parts, random) }
  const { data } = await ask(answers, () => issuer.POST('/v1/tokens/verify', asked))
  if (data?.valid && isRevoked) answers.violations.push(`a token of the revoked guest ${last.guestId} is valid`)
}

const list: Job = async (parts, random) => {
  const { issuer } = anyInstance(parts, random)
  const asked = { params: { query: { limit: 3 } }, ...signalOf(parts, random) }
  await ask(parts.answers, () => issuer.GET('/v1/guests', asked))
}

const accessToken: Job = async (parts, random) => {
  const { answers } = parts
  await atOneOrTwo(parts, random, async ({ connection }) => {
    const asked = { params: { path: { name: 'default' } }, ...signalOf(parts, random) }
    const { data } = await ask(answers, () => connection.POST('/v1/connections/{name}/token', asked))
    if (data) answers.accessTokens.push({ generation: data.generation, token: data.accessToken })
  })
}

/** The jobs, and how often each is chosen, in relation to the others. */
export const jobs = {
  guestTokens: [6, issueAnonymous],
  engagements: [3, issueForPerson('engagements')],
  externalUsers: [3, issueForPerson('external-users')],
  repeat: [2, repeatOpen],
  token: [4, tokenJob('/v1/guests/{guestId}/token')],
  refresh: [6, tokenJob('/v1/guests/{guestId}/refresh')],
  revoke: [1, revoke],
  verify: [3, verify],
  list: [2, list],
  accessToken: [3, accessToken],
} as const satisfies Readonly<Record<string, readonly [number, Job]>>

export type JobName = keyof typeof jobs
