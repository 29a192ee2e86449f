import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../../crash-tests/random.ts'
import { apiKeys } from '../start-instances.ts'
import { type Answers, noAnswers, openRequests } from './answers.ts'
import { type JobName, type JobParts, jobs } from './jobs.ts'
import { clientsOf } from './service-call.ts'

export interface TrafficOptions {
  /** Addresses of the instances, or of a load balancer before them. */
  readonly urls: readonly string[]
  /** Clients, each of which sends one request after the other. */
  readonly clients: number
  readonly random: SeededRandom
  /** The channel of engagement guests. */
  readonly channelId: string
  /** What the clients do. Default: all. */
  readonly only?: readonly JobName[]
  /** Seconds that guest tokens live: from the first to the second. Default 15 to 60. */
  readonly lives?: readonly [number, number]
  /** How long a client waits for an answer, in milliseconds: one of these. Default 1500, 3000 and 12000. */
  readonly patienceMs?: readonly [number, ...number[]]
}

/** Clients of the service. */
export interface Traffic {
  readonly answers: Answers
  /** Waits for so many more answers. */
  isFlowing(more: number): Promise<void>
  /** Ends the clients. Requests under way end first. */
  end(): Promise<void>
  /** Sends the requests without an answer again, until each has one, for so many milliseconds at most. */
  settle(ms: number): Promise<void>
}

const names = Object.keys(jobs) as readonly JobName[]
/** Time between two tries of requests that are open, in milliseconds. */
const SETTLE_STEP = 250

/** Starts clients that send the requests of jobs until they are ended. */
export function createTraffic(options: TrafficOptions): Traffic {
  const { urls, clients, random, channelId, only = names } = options
  const { lives = [15, 60], patienceMs = [1_500, 3_000, 12_000] } = options
  const answers = noAnswers()
  const instances = urls.map((url) => clientsOf(url, apiKeys))
  const parts: JobParts = { instances, channelId, answers, lives, patienceMs }
  const choices = only.map((name) => jobs[name])
  const ending = new AbortController()
  async function client(_: unknown, at: number): Promise<void> {
    const own = random.fork(`client ${at}`)
    while (!ending.signal.aborted) await own.weighted(choices)(parts, own)
  }
  const running = Array.from({ length: clients }, client)
  return {
    answers,
    async isFlowing(more) {
      const answered = (): number => answers.requests - answers.unanswered
      const wanted = answered() + more
      while (answered() < wanted) await sleep(20)
    },
    async end() {
      ending.abort()
      await Promise.all(running)
    },
    async settle(ms) {
      const until = Date.now() + ms
      const own = random.fork('settle')
      while (openRequests(answers).length > 0 && Date.now() < until) {
        await jobs.repeat[1](parts, own)
        await sleep(SETTLE_STEP)
      }
    },
  }
}
