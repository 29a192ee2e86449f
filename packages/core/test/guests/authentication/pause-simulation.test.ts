import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Connection } from '../../../src/connection/connection.ts'
import { MINUTE, SECOND } from '../../../src/domain/time.ts'
import { asGuestpassError } from '../../../src/domain/errors.ts'
import type { Http } from '../../../src/ports/http.ts'
import type { DocumentWrite, Store } from '../../../src/ports/store.ts'
import { dropped, instead, type ScriptedAnswer, slow } from '../../world/scripted-answers.ts'
import { pausable } from '../../world/pausable.ts'
import { EMAIL, applicantWorld } from '../../world/applicant-world.ts'

const user = { api: 'external-users', email: EMAIL, name: 'Ann Example' } as const
const answers: Readonly<Record<string, ScriptedAnswer>> = {
  'lost before': dropped('before'),
  'lost after': dropped('after'),
  refused: instead(400, { code: 'bad.request' }),
  unavailable: instead(503),
  busy: instead(429, {}, { 'retry-after': '1' }),
}

const happening = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('ask' as const), process: fc.nat(2), again: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('meet' as const), what: fc.constantFrom(...Object.keys(answers), 'slow') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('pause' as const),
      process: fc.nat(2),
      step: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('go on' as const), process: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(1, SECOND, 7 * SECOND, MINUTE) }),
  },
)
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

/** The store as a process sees it; a seeded bug makes it see something else. */
type View = (store: Store) => Store

/** What went wrong when processes that pause make guests at an API that refuses no second one. */
async function simulated(happenings: readonly Happening[], view: View): Promise<readonly string[]> {
  const here = applicantWorld()
  const faults: string[] = []
  const effects: string[] = []
  /** Requests whose lost guest was given up before another was sent. */
  const orphans = async (): Promise<ReadonlySet<unknown>> =>
    new Set((await here.events()).flatMap(({ type, data }) => (type === 'GUEST_ORPHANED' ? [data?.['requestId']] : [])))
  const http: Http = async (request, signal) => {
    if (!request.url.endsWith('/externalusers/guests')) return here.upstream.http(request, signal)
    const before = here.upstream.sessions.length
    const recorded = await orphans()
    const counted = (): void => {
      if (here.upstream.sessions.length === before) return
      if (effects.some((id) => !recorded.has(id))) faults.push('a guest was made twice')
      effects.push(request.headers['x-genesys-request-id'] ?? '')
    }
    return here.upstream.http(request, signal).finally(counted)
  }
  const start = async () => {
    const halting = pausable({ store: here.store, http, clock: here.clock })
    const policy = { retry: { retries: 2 }, breaker: { atLeast: 99 } }
    const { store } = halting.ports
    return { ...(await here.process({ policy }, { ...halting.ports, store: view(store) })), halting }
  }
  const processes = [await start(), await start(), await start()]
  const ask = ({ guests }: Pick<Connection, 'guests'>, again: boolean): Promise<string> =>
    guests.issue({ ...user, onDoubt: again ? ('create' as const) : ('refuse' as const) }).then(
      () => 'issued',
      (thrown: unknown) => asGuestpassError(thrown).code,
    )
  for (const step of happenings) {
    const process = 'process' in step ? processes[step.process] : undefined
    if (step.do === 'ask' && process) void ask(process, step.again)
    if (step.do === 'meet')
      here.upstream.meets(
        'user',
        step.what === 'slow' ? slow(here.clock, 3 * SECOND) : (answers[step.what] as ScriptedAnswer),
      )
    if (step.do === 'pause') process?.halting.start(step.step)
    if (step.do === 'go on') process?.halting.goOn()
    await here.clock.advance(step.do === 'pass' ? step.ms : 0)
  }
  for (const { halting } of processes) {
    halting.start(Number.NaN)
    halting.goOn()
  }
  await here.clock.advance(2 * MINUTE)
  here.upstream.forgive()
  const last = ask(await start(), true)
  await here.clock.advance(2 * MINUTE)
  const said = await last
  if (!['issued', 'session_exists'].includes(said)) faults.push(`the last caller got ${said}`)
  const { documents } = await here.store.documents('default', { kind: 'duplicate', limit: 9 })
  for (const { value } of documents) if ((value as { state: string }).state !== 'live') faults.push('no guest is live')
  const { credentials } = await here.store.list('default', { kind: 'guest', limit: 99 })
  const recorded = await orphans()
  if (here.upstream.sessions.length > credentials.length + recorded.size)
    faults.push('a guest was lost and not recorded')
  return faults
}

const runs = fc.array(happening, { maxLength: 24 })

/** A create that is halted at some step, another one that is made beside it on purpose, and what else may happen between. */
const ambushes = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.array(happening, { maxLength: 2 }))
  .map(([step, between]): readonly Happening[] => [
    { do: 'pause', process: 0, step },
    { do: 'ask', process: 0, again: false },
    ...between,
    { do: 'pass', ms: 7 * SECOND },
    { do: 'ask', process: 1, again: true },
    { do: 'pass', ms: SECOND },
    { do: 'go on', process: 0 },
  ])

it('makes no guest twice when processes are paused at any step', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(runs, ambushes), async (happenings) => {
      expect(await simulated(happenings, (store) => store)).toEqual([])
    }),
    { numRuns: 150 },
  )
})

/** A process whose look before the send finds what it wrote down itself, and its lease still held, whatever became of both. */
const sleepwalking: View = (store) => {
  let own: DocumentWrite | undefined
  return {
    ...store,
    async commit(change) {
      own = change.documents?.find(({ value }) => (value as { state?: string } | undefined)?.state === 'creating')
      return store.commit(change)
    },
    async document(connection, kind, id) {
      const found = await store.document(connection, kind, id)
      const seen = own?.kind === kind && own.id === id && own.value !== undefined ? own.value : undefined
      own = undefined
      return seen === undefined ? found : { ...found, value: seen }
    },
    async lease(...of) {
      return { ...(await store.lease(...of)), granted: true }
    },
  }
}

it('detects a process that does not read again before it sends', async () => {
  const found = new Set<string>()
  await fc.check(
    fc.asyncProperty(ambushes, async (happenings) => {
      for (const fault of await simulated(happenings, sleepwalking)) found.add(fault)
    }),
    { numRuns: 150 },
  )
  expect(found).toContain('a guest was made twice')
})
