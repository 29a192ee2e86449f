import { readConfig, type Variables } from '@guestpass/runtime'
import { type Sandbox, sandbox as startSandbox, type SandboxOptions } from '@guestpass/sandbox'
import { temporaryFolder } from '../../runtime/test/temporary-folder.ts'
import { watchOutput } from '../../../tools/secrets-canary/findings.ts'
import { type PreparedService, prepareService, type ServiceOptions } from '../src/service.ts'

export type Body = Readonly<Record<string, unknown>>

/** An answer of the service. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
  /** The body as a JSON object; empty for other bodies. */
  readonly body: Body
}

export interface Call {
  /** The API key. Default: that of the tests' operator and issuer; null: none. */
  readonly key?: string | null
  readonly body?: unknown
  /** The body as it is sent. */
  readonly payload?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

export interface ServiceForTests {
  readonly upstream: Sandbox
  readonly service: PreparedService
  /** Lines of the log. */
  readonly log: readonly string[]
  /** Sends a request to the service, without a socket. */
  call(method: string, url: string, call?: Call): Promise<Answer>
  close(): Promise<void>
}

/** The keys of the tests, by role. */
export const keys = {
  issuer: 'test-secret-issuer',
  other: 'test-secret-other-issuer',
  verifier: 'test-secret-verifier',
  operator: 'test-secret-operator',
  auditor: 'test-secret-auditor',
  metrics: 'test-secret-metrics',
  connection: 'test-secret-connection',
} as const

const configured = [
  `issuer:${keys.issuer}`,
  `issuer:${keys.other}`,
  `verifier:${keys.verifier}`,
  `operator:${keys.operator}`,
  `auditor:${keys.auditor}`,
  `metrics:${keys.metrics}`,
  `connection:${keys.connection}`,
].join(',')

interface Options {
  readonly env?: Variables
  readonly sandbox?: SandboxOptions
  readonly service?: Partial<ServiceOptions>
  /** Further connections, each to the same upstream. Default: none. */
  readonly connections?: readonly string[]
}

/** Prepares a service on a sandbox and a store in memory. Nothing of the machine is read. */
export async function serviceForTests({
  env = {},
  sandbox,
  service: more,
  connections = [],
}: Options = {}): Promise<ServiceForTests> {
  const upstream = await startSandbox({ algorithm: 'ES256', ...sandbox })
  const all: Variables = {
    ...upstream.env,
    GUESTPASS_DATABASE_URL: 'memory:',
    GUESTPASS_API_KEYS: configured,
    GUESTPASS_DRAIN_SECONDS: '0',
    GENESYS_CHANNEL_ID: upstream.channelId,
    ...env,
  }
  const folder = temporaryFolder(
    connections.length === 0 ? {} : { 'guestpass.config.json': connectionsFile(connections, upstream) },
  )
  const { cwd } = folder
  const lines: string[] = []
  const read = (connection: string) => readConfig({ env: all, cwd, connection, needs: ['hosts', 'clientId'] })
  const others = await Promise.all(connections.map(read))
  const service = await prepareService({
    configs: [await read('default'), ...others],
    host: { env: all, cwd, signal: new AbortController().signal },
    address: '127.0.0.1',
    port: 0,
    version: '0.0.0',
    log: (line) => void lines.push(line),
    ...more,
  })
  return {
    upstream,
    service,
    log: lines,
    call: async (method, url, { key = keys.issuer, body, payload, headers = {} } = {}) =>
      answerOf(
        await service.app.inject({
          method: method as 'GET',
          url,
          headers: {
            host: '127.0.0.1',
            ...(key === null ? {} : { authorization: `Bearer ${key}` }),
            ...(body === undefined && payload === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
          ...(payload === undefined ? {} : { payload }),
        }),
      ),
    async close() {
      await service.stop()
      await upstream.close()
      folder.remove()
      watchOutput('the log of the service', lines.join(''))
    },
  }
}

const connectionsFile = (names: readonly string[], { env }: Sandbox): string =>
  JSON.stringify({
    connections: Object.fromEntries(
      names.map((name) => [
        name,
        {
          baseUrl: env['GENESYS_API_BASE_URL'],
          clientId: env['GENESYS_CLIENT_ID'],
          clientSecret: env['GENESYS_CLIENT_SECRET'],
          jwksUrl: env['GENESYS_JWKS_URL'],
          tokenAlgorithms: env['GENESYS_TOKEN_ALGORITHMS'],
        },
      ]),
    ),
  })

function answerOf({
  statusCode,
  headers,
  body,
}: {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}): Answer {
  const isJson = String(headers['content-type']).includes('json') && body !== ''
  return { status: statusCode, headers, text: body, body: isJson ? (JSON.parse(body) as Body) : {} }
}
