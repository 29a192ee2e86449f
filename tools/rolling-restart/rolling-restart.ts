import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Sandbox, sandbox } from '@guestpass/sandbox'
import { type CliProcess, spawnCli } from '../../packages/cli/test/spawn-cli.ts'
import { freePort } from '../free-port.ts'
import { startProxy } from './proxy.ts'

/** What is run. */
export interface RollingRestartAsk {
  /** How often each of the two instances is restarted. */
  readonly restarts: number
  /** Clients, each with a connection that it keeps. */
  readonly clients: number
  /** Seconds that an instance goes on to answer after it was asked to stop. 0 is the seeded bug: requests must fail. */
  readonly drainSeconds: number
}

/** What came of it. */
export interface RollingRestart {
  readonly requests: number
  readonly restarts: number
  /** Answers other than 200 and 201, and requests without an answer. */
  readonly failures: readonly string[]
  /** Exit codes of the instances other than 0. */
  readonly exits: readonly (number | null)[]
}

const KEY = 'test-secret-rolling-restart'

/** Restarts two instances on one database in turn, behind HAProxy, while clients send requests. */
export async function rollingRestart(ask: RollingRestartAsk): Promise<RollingRestart> {
  const folder = mkdtempSync(join(tmpdir(), 'guestpass-rolling-'))
  const upstream = await sandbox({ algorithm: 'ES256', rateLimit: { perMinute: 100_000, burst: 100_000 } })
  const ports = [await freePort(), await freePort()]
  const start = (port: number): CliProcess => startInstance(port, folder, upstream, ask)
  const instances = ports.map(start)
  for (const instance of instances) await instance.matchOnStandardOutput(/\n/)
  const { url, child } = await startProxy(folder, ports)
  await isAnswering(url)
  const traffic = createTraffic(url, ask.clients)
  try {
    await traffic.isFlowing(20)
    const exits: (number | null)[] = []
    for (let nth = 0; nth < ask.restarts * ports.length; nth += 1) {
      const at = nth % ports.length
      instances[at]?.child.kill('SIGTERM')
      exits.push((await instances[at]?.ended)?.code ?? null)
      const next = start(ports[at] ?? 0)
      instances[at] = next
      await next.matchOnStandardOutput(/\n/)
      // The load balancer looks five times a second.
      await sleep(500)
      await traffic.isFlowing(20)
    }
    const { requests, failures } = await traffic.end()
    return { requests, failures, restarts: exits.length, exits: exits.filter((code) => code !== 0) }
  } finally {
    await traffic.end()
    child.kill('SIGKILL')
    for (const instance of instances) instance.child.kill('SIGTERM')
    await Promise.all(instances.map(({ ended }) => ended))
    await upstream.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Waits until the load balancer takes requests. */
async function isAnswering(url: string): Promise<void> {
  const agent = new Agent()
  while ((await call(url, agent, 'GET')) !== '200') await sleep(50)
  agent.destroy()
}

function startInstance(port: number, folder: string, { env }: Sandbox, { drainSeconds }: RollingRestartAsk) {
  const own = {
    GENESYS_RATE_LIMIT: '100000',
    GUESTPASS_API_KEYS: `issuer:${KEY}`,
    GUESTPASS_DATABASE_URL: join(folder, 'store.db'),
    GUESTPASS_DRAIN_SECONDS: String(drainSeconds),
  }
  return spawnCli(['serve', '--port', String(port), '--json'], folder, { ...env, ...own })
}

/** Clients that send one request after the other over a connection that they keep. */
function createTraffic(url: string, clients: number) {
  const ending = new AbortController()
  const failures: string[] = []
  let requests = 0
  async function client(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!ending.signal.aborted) {
      const isRead = requests % 4 !== 0
      const status = isRead ? await call(url, agent, 'GET') : await call(url, agent, 'POST')
      requests += 1
      if (status !== '200' && status !== '201') failures.push(status)
    }
    agent.destroy()
  }
  const running = Array.from({ length: clients }, client)
  return {
    /** Waits for so many more answers. */
    async isFlowing(more: number): Promise<void> {
      const wanted = requests + more
      const isDone = (): boolean => requests >= wanted
      while (!isDone()) await sleep(20)
    },
    async end() {
      ending.abort()
      await Promise.all(running)
      return { requests, failures }
    },
  }
}

async function call(url: string, agent: Agent, method: 'GET' | 'POST'): Promise<string> {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', host: 'localhost' }
  const sent = request(`${url}/v1/guests${method === 'GET' ? '?limit=1' : ''}`, { method, agent, headers })
  sent.end(method === 'POST' ? JSON.stringify({ scopes: ['webmessaging:guest:send'] }) : undefined)
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    for await (const _chunk of answer);
    return String(answer.statusCode)
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  }
}
