/** Asks for many guest tokens at once, as one contender does it: a process of its own. A message names the job. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { connection, resolveHosts, Secret } from '@guestpass/core'
import { MINUTE } from '@guestpass/core/store-kit'
import { nodePorts } from '@guestpass/core/node'
import axios, { type AxiosError, isAxiosError } from 'axios'
import axiosRetry, { exponentialDelay } from 'axios-retry'
import { Agent, RetryAgent } from 'undici'
import { embeddedStore } from './embedded-store.ts'
import { type Issue, type Pace, withBottleneck, withPThrottle, withRateLimiterFlexible } from './paced-peers.ts'

export interface Job {
  readonly rush:
    | 'Guestpass'
    | 'axios-retry'
    | 'axios, 5 tries'
    | 'axios, no end'
    | 'undici RetryAgent'
    | 'bottleneck'
    | 'p-throttle'
    | 'rate-limiter-flexible'
  readonly url: string
  readonly id: string
  readonly secret: string
  readonly guests: number
  /** What upstream allows. */
  readonly perMinute: number
  readonly burst: number
}

export interface Outcome {
  readonly lost: number
  readonly tookMs: number
}

const DURATION = 3_600
const SCOPES = ['webmessaging:guest:send', 'webmessaging:guest:receive']
const PATH = '/api/v2/webmessaging/guests/generate-token'

/** The request as everybody but us writes it. */
const body = (guestId: string): object => ({ guestId, expirationDurationSeconds: DURATION, scopes: SCOPES })

async function accessToken({ url, id, secret }: Job): Promise<string> {
  const answer = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
  })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function guestpass({ url, id, secret, perMinute, burst }: Job): Promise<Issue> {
  const ports = nodePorts()
  const patience = 10 * MINUTE
  const { accessTokens, guests } = await connection(
    {
      hosts: resolveHosts({ oauthBaseUrl: url, apiBaseUrl: url }),
      client: { id, secret: new Secret(secret) },
      policy: { deadlineMs: patience, limit: { perMinute, burst: Math.floor(burst * 0.9), maxWaitMs: patience } },
    },
    { ...ports, store: await embeddedStore(ports) },
  )
  await accessTokens.for({ scopes: ['webmessaging:guest:create'] }).token()
  return async (guestId) => (await guests.issue({ guestId, duration: DURATION, scopes: SCOPES })).token.reveal()
}

async function withAxios(job: Job): Promise<ReturnType<typeof axios.create>> {
  return axios.create({ baseURL: job.url, headers: { authorization: `Bearer ${await accessToken(job)}` } })
}

/** As its README and the tutorials have it; what it would not repeat by itself, a POST, is allowed. */
async function withAxiosRetry(job: Job): Promise<Issue> {
  const client = await withAxios(job)
  axiosRetry(client, {
    retries: 3,
    retryDelay: exponentialDelay,
    retryCondition: (error) => error.response?.status === 429 || !error.response,
  })
  return async (guestId) => (await client.post<{ token: string }>(PATH, body(guestId))).data.token
}

/** The loop of the tutorials. */
async function withLoop(job: Job, tries: number): Promise<Issue> {
  const client = await withAxios(job)
  return async (guestId) => {
    for (let left = tries; ; left -= 1) {
      try {
        return (await client.post<{ token: string }>(PATH, body(guestId))).data.token
      } catch (thrown) {
        const waitMs = retryAfterMs(thrown)
        if (waitMs === undefined || left <= 1) throw thrown
        await sleep(waitMs)
      }
    }
  }
}

/** What Retry-After of a 429 says; undefined for every other error. */
const retryAfterMs = (thrown: unknown): number | undefined =>
  isTooMany(thrown) ? Number(thrown.response?.headers['retry-after'] ?? 1) * 1_000 : undefined

const isTooMany = (thrown: unknown): thrown is AxiosError => isAxiosError(thrown) && thrown.response?.status === 429

async function withRetryAgent(job: Job): Promise<Issue> {
  const agent = new RetryAgent(new Agent(), { methods: ['POST'] })
  const headers = { authorization: `Bearer ${await accessToken(job)}`, 'content-type': 'application/json' }
  return async (guestId) => {
    const request = {
      origin: job.url,
      path: PATH,
      method: 'POST',
      headers,
      body: JSON.stringify(body(guestId)),
    } as const
    const answer = await agent.request(request)
    return ((await answer.body.json()) as { token: string }).token
  }
}

/** One request without a repeat, for the peers that pace. */
const withAxiosAlone = (job: Job): Promise<Issue> => withLoop(job, 1)

const paceOf = ({ burst, perMinute }: Job): Pace => ({ limit: burst, intervalMs: (burst / perMinute) * MINUTE })

const issuers: Readonly<Record<Job['rush'], (job: Job) => Promise<Issue>>> = {
  Guestpass: guestpass,
  'axios-retry': withAxiosRetry,
  'axios, 5 tries': (job) => withLoop(job, 5),
  'axios, no end': (job) => withLoop(job, Number.POSITIVE_INFINITY),
  'undici RetryAgent': withRetryAgent,
  bottleneck: async (job) => withBottleneck(await withAxiosAlone(job), paceOf(job), retryAfterMs),
  'p-throttle': async (job) => withPThrottle(await withAxiosAlone(job), paceOf(job)),
  'rate-limiter-flexible': async (job) => withRateLimiterFlexible(await withAxiosAlone(job), paceOf(job)),
}

async function rush(job: Job): Promise<Outcome> {
  const issue = await issuers[job.rush](job)
  const ids = Array.from({ length: job.guests }, () => randomUUID())
  const started = performance.now()
  const tokens = await Promise.allSettled(ids.map(issue))
  const tookMs = performance.now() - started
  const served = tokens.filter((one) => one.status === 'fulfilled' && one.value.split('.').length === 3).length
  return { lost: job.guests - served, tookMs }
}

async function answerJob(job: Job): Promise<void> {
  process.send?.(await rush(job), () => process.exit())
}

process.once('message', (job: Job) => void answerJob(job))
