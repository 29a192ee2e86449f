import { expect, it } from 'vitest'
import * as main from '../../src/index.ts'
import * as node from '../../src/node/index.ts'
import * as runtimeKit from '../../src/runtime-kit.ts'
import * as storeKit from '../../src/store-kit.ts'
import * as web from '../../src/web/index.ts'
import { describeFactories, type Factory } from './factories.ts'
import { publicKey } from '../world/fake-upstream.ts'
import { hosts } from '../world/world.ts'

const core = { ...main, ...runtimeKit, ...storeKit, ...web }
const { memoryStore, Secret } = core
const { close: _close, ...ports } = node.nodePorts()
const store = memoryStore()
const world = { store, ...ports }
const client = { id: 'client', secret: new Secret('test-secret-client') }
const meter = core.createMeters()
const keys = core.givenKeys({ pem: publicKey }, ports.platform.maker)
const source = { token: async () => Promise.reject(new Error('none')), reportRejected: () => false }
const origins = ['https://api.example.com']
const options = { hosts, client }
const audited = memoryStore({ route: () => ['audit'] })
const secrets = [core.signingSecret(ports.random)]
const sink = core.jsonLines('audit', async () => {})
const configured = { id: 'one', url: 'http://127.0.0.1:9', contract: 'idp', includeToken: false, secrets }
const hooks = { ...world, guardedHttp: ports.http }
const routed = memoryStore({ route: core.webhookRoute })
const axios = {
  interceptors: { request: { use: () => 0, eject: () => {} }, response: { use: () => 0, eject: () => {} } },
  request: async () => {},
  getUri: () => '',
}
const sdk = { setAccessToken: () => {}, callApi: async () => {} }
const policy = { retry: { retries: -1 }, limit: { perMinute: 0, maxWaitMs: Number.NaN }, deadlineMs: '30s' }

/** Every factory that the entries of the package export: arguments that are right, and mistakes with the fields that they name. */
const factories: Readonly<Record<string, Factory>> = {
  connection: {
    make: core.connection,
    args: [options, world],
    mistakes: [
      [
        [undefined, undefined],
        ['hosts', 'client', 'store', 'clock', 'random', 'http', 'platform'],
      ],
      [[options, { ...ports, store: { saveToken() {}, loadToken() {} } }], ['store']],
      [[options, { ...world, store: Promise.resolve(store) }], ['store']],
      [[{ ...options, client: { id: 'client', secret: 'hunter2' } }, world], ['client.secret']],
      [
        [{ ...options, client: { clientID: 'client' } }, world],
        ['client.id', 'client.clientID'],
      ],
      [[{ ...options, hosts: { region: 'mypurecloud.ie' } }, world], ['hosts']],
      [[{ ...options, hosts: 'https://gateway.example.com' }, world], ['hosts']],
      [
        [{ ...options, onDuplicat: 'reuse', scopes: 'user:read' }, world],
        ['scopes', 'onDuplicat'],
      ],
      [[{ ...options, ['x'.repeat(70)]: 1 }, world], ['x'.repeat(60)]],
      [
        [{ ...options, clientAuth: 'basc', preflight: 'never', refreshProfile: true }, world],
        ['clientAuth', 'refreshProfile', 'preflight'],
      ],
      [
        [{ ...options, policy }, world],
        ['policy.deadlineMs', 'policy.retry.retries', 'policy.limit.perMinute', 'policy.limit.maxWaitMs'],
      ],
      [[{ ...options, policy: { breaker: { coolMs: 9, mostCoolMs: 8 } } }, world], ['policy.breaker.mostCoolMs']],
      [
        [{ ...options, tokenParams: { scope: 'all' }, authorizeParams: { prompt: 1 } }, world],
        ['authorizeParams.prompt', 'tokenParams'],
      ],
      [[{ ...options, algorithms: ['RS256', 'RS265'] }, world], ['algorithms[1]']],
      [
        [{ ...options, name: 'a/b', crmUrl: 'crm.example.com', gateway: 'yes' }, world],
        ['name', 'crmUrl', 'gateway'],
      ],
      [[{ ...options, tokenFormat: { 'guest-tokens': 'jwt' } }, world], ['tokenFormat.guest-tokens']],
    ],
  },
  verification: {
    make: core.verification,
    args: [{ keys: { pem: publicKey } }, world],
    mistakes: [[[{}, world], ['keys']]],
  },
  oauthServer: {
    make: core.oauthServer,
    args: ['default', hosts, ports],
    mistakes: [[['default', {}, ports], ['hosts']]],
  },
  resolveHosts: {
    make: core.resolveHosts,
    args: [{ baseUrl: 'https://gateway.example.com' }],
    mistakes: [
      [[undefined], ['region']],
      [['https://gateway.example.com'], ['input']],
      [[{ baseURL: 'https://gateway.example.com' }], ['baseURL']],
      [[{ baseUrl: 5 }], ['baseUrl', 'region']],
    ],
  },
  verifier: {
    make: core.verifier,
    args: [{ keys, platform: ports.platform, now: () => 0 }],
    mistakes: [
      [[], ['keys', 'platform', 'now']],
      [[{ keys, platform: ports.platform, now: 5, leewayMs: -1 }], ['now', 'leewayMs']],
      [
        [{ keys: Promise.resolve(keys), platform: ports.platform, now: () => 0, algorithms: [] }],
        ['keys', 'algorithms'],
      ],
    ],
  },
  mirroredKeys: {
    make: core.mirroredKeys,
    args: [{ url: 'https://login.example.com/keys', ...ports, maker: ports.platform.maker }],
    mistakes: [
      [[{}], ['url', 'http', 'clock', 'random', 'maker']],
      [[{ url: 'https://login.example.com/keys', ...ports, maker: ports.platform.maker, staleMs: 2_000 }], ['staleMs']],
      [[{ uri: 'https://login.example.com/keys', ...ports, maker: ports.platform.maker }], ['url', 'uri']],
    ],
  },
  givenKeys: {
    make: core.givenKeys,
    args: [{ pem: publicKey }, ports.platform.maker],
    mistakes: [
      [
        [publicKey, ports.platform],
        ['given', 'maker'],
      ],
    ],
  },
  keeper: {
    make: core.keeper,
    args: [{ connection: 'default', renew: async () => {}, meter }, world, {}],
    mistakes: [
      [
        [{}, {}, { perMinut: 5, keepForMs: Number.NaN }],
        ['connection', 'renew', 'meter', 'store', 'clock', 'keepForMs', 'perMinut'],
      ],
    ],
  },
  keepAlive: {
    make: core.keepAlive,
    args: [{ keepAlive: async () => {} }, ports],
    mistakes: [
      [
        [undefined, undefined],
        ['grant', 'clock'],
      ],
    ],
  },
  webhooks: {
    make: core.webhooks,
    args: [
      { connection: 'default', configured: [configured] },
      { ...hooks, store: routed },
    ],
    mistakes: [
      [[{ connection: 'default' }, hooks], ['route']],
      [[{ connection: 'default' }, { ...hooks, store: audited }], ['route']],
      [
        [{ connection: 'default' }, { ...hooks, store: core.tokenStorage({ load: () => null, save: () => {} }) }],
        ['route'],
      ],
      [
        [{}, {}],
        ['connection', 'store', 'clock', 'random', 'http', 'guardedHttp'],
      ],
      [
        [
          {
            connection: 'default',
            clientID: 'c',
            configured: [{ ...configured, contract: 'idps', secrets: ['hunter2'] }],
          },
          { ...hooks, store: routed },
        ],
        ['configured[0].contract', 'configured[0].secrets[0]', 'clientID'],
      ],
    ],
  },
  webhookReceiver: {
    make: core.webhookReceiver,
    args: [{ secrets }],
    mistakes: [
      [[], ['secrets']],
      [[{ secret: secrets[0] }], ['secrets', 'secret']],
      [[{ secrets, toleranceMs: 0 }], ['toleranceMs']],
      [[{ secrets, checkpointKeys: [], onBrokenChain: 'log' }], ['checkpointKeys', 'onBrokenChain']],
      [[{ secrets, checkpointKeys: ['A'.repeat(44)] }], ['checkpointKeys[0]']],
    ],
  },
  receiverMemory: { make: core.receiverMemory, args: [{}], mistakes: [[[{ most: 0.5 }], ['most']]] },
  auditLog: {
    make: core.auditLog,
    args: ['default', world],
    mistakes: [
      [
        [undefined, {}],
        ['name', 'store', 'clock'],
      ],
      [['default', { ...ports, store: {} }], ['store']],
    ],
  },
  retention: {
    make: core.retention,
    args: ['default', { ...ports, store: memoryStore() }],
    mistakes: [
      [
        [undefined, {}, { eventsMs: -1 }],
        ['name', 'store', 'clock', 'random', 'eventsMs'],
      ],
    ],
  },
  rollUps: {
    make: core.rollUps,
    args: ['default', world],
    mistakes: [
      [
        [undefined, {}],
        ['name', 'store', 'clock'],
      ],
    ],
  },
  relay: {
    make: core.relay,
    args: [audited.outbox, sink, ports, {}],
    mistakes: [
      [[memoryStore().outbox, sink, ports], ['route']],
      [[audited.outbox, core.jsonLines('audits', async () => {}), ports], ['route']],
      [[routed.outbox, sink, ports], ['route']],
      [
        [store, { deliver: 5 }, undefined, { batch: 0 }],
        ['outbox', 'sink.name', 'sink.deliver', 'clock', 'batch'],
      ],
      [
        [undefined, undefined, ports, {}],
        ['outbox', 'sink'],
      ],
    ],
  },
  jsonLines: {
    make: core.jsonLines,
    args: ['audit', async () => {}],
    mistakes: [
      [
        [undefined, undefined],
        ['name', 'write'],
      ],
    ],
  },
  report: {
    make: core.report,
    args: [store, 'default', {}],
    mistakes: [
      [
        [{}, 'a/b', { since: '2026-01-01' }],
        ['store', 'connection', 'since'],
      ],
    ],
  },
  eventsOf: {
    make: (...args: never[]) => core.eventsOf(...(args as unknown as [main.Store, string])).next(),
    args: [store, 'default'],
    mistakes: [[[], ['store', 'connection']]],
  },
  guestRecords: {
    make: core.guestRecords,
    args: [{ connection: 'default' }, world],
    mistakes: [
      [
        ['default', {}],
        ['parts', 'store', 'random'],
      ],
    ],
  },
  connectionView: {
    make: (...args: never[]) =>
      core.connectionView(...(args as unknown as [main.Store, string])).catch((thrown: unknown) => {
        if ((thrown as main.GuestpassError).code !== 'connection_unknown') throw thrown
      }),
    args: [store, 'default'],
    mistakes: [
      [
        [Promise.resolve(store), ''],
        ['store', 'connection'],
      ],
    ],
  },
  connectionViews: { make: core.connectionViews, args: [store], mistakes: [[[undefined], ['store']]] },
  authorizedFetch: {
    make: core.authorizedFetch,
    args: [source, { origins }],
    mistakes: [
      [
        [undefined, undefined],
        ['source', 'origins'],
      ],
      [
        [source, { origins: 'https://api.example.com', fetch: 5 }],
        ['origins', 'fetch'],
      ],
      [[source, { origins: ['api.example.com'] }], ['origins[0]']],
    ],
  },
  authorizedAxios: {
    make: core.authorizedAxios,
    args: [axios, source, { origins }],
    mistakes: [
      [
        [{}, {}, { origin: origins }],
        ['axios', 'source', 'origins', 'origin'],
      ],
    ],
  },
  authorizedGot: {
    make: core.authorizedGot,
    args: [source, { origins }],
    mistakes: [
      [
        [null, { origins: [] }],
        ['source', 'origins'],
      ],
    ],
  },
  authorizedUndici: {
    make: core.authorizedUndici,
    args: [source, { origins }],
    mistakes: [
      [
        [5, {}],
        ['source', 'origins'],
      ],
    ],
  },
  authorizedSdk: {
    make: core.authorizedSdk,
    args: [sdk, source],
    mistakes: [
      [
        [{}, undefined],
        ['client', 'source'],
      ],
    ],
  },
  memoryStore: {
    make: core.memoryStore,
    args: [{ clock: ports.clock, route: core.webhookRoute }],
    mistakes: [
      [[{ route: 'webhooks', keepEvents: Number.POSITIVE_INFINITY }], ['route', 'keepEvents']],
      [[{ routes: core.webhookRoute }], ['routes']],
    ],
  },
  tokenStorage: {
    make: core.tokenStorage,
    args: [{ load: () => undefined, save: () => {} }],
    mistakes: [[[{ loadToken: () => null, save: 'tokens.json' }], ['load', 'save', 'loadToken']]],
  },
  webStorageStore: {
    make: core.webStorageStore,
    args: [() => ({ getItem: () => null, setItem() {}, removeItem() {} }), {}],
    mistakes: [
      [
        [{}, { key: '', clocks: ports.clock }],
        ['storage', 'key', 'clocks'],
      ],
    ],
  },
  Secret: {
    make: (...args: never[]) => new Secret(...(args as unknown as [string])),
    args: ['hunter2'],
    mistakes: [[[undefined], ['value']]],
  },
  systemClock: { make: core.systemClock, args: [{}], mistakes: [[[{ unref: 'yes' }], ['unref']]] },
  webHttp: { make: core.webHttp, args: [], mistakes: [[['fetch'], ['fetch']]] },
  webPorts: { make: core.webPorts, args: [], mistakes: [] },
  webPlatform: { make: core.webPlatform, args: [], mistakes: [] },
  createMeters: { make: core.createMeters, args: [], mistakes: [] },
  systemRandom: { make: core.systemRandom, args: [], mistakes: [] },
  nodePlatform: { make: node.nodePlatform, args: [], mistakes: [] },
  nodePorts: {
    make: node.nodePorts,
    args: [{}],
    mistakes: [[[{ connection: 5, connectTimeoutMs: -1 }], ['connectTimeoutMs', 'connection']]],
  },
  nodeHttp: {
    make: node.nodeHttp,
    args: [{ proxy: {} }],
    mistakes: [[[{ connections: 0, proxy: 'http://proxy' }], ['connections', 'proxy']]],
  },
  guardedHttp: {
    make: node.guardedHttp,
    args: [{ allowed: origins }],
    mistakes: [[[{ allowed: 'all', lookup: 5 }], ['lookup', 'allowed']]],
  },
  proxies: {
    make: node.proxies,
    args: [{ HTTPS_PROXY: 'http://proxy.example.com:3128' }],
    mistakes: [[[], ['variables']]],
  },
}

/** What is no factory: it reads, writes or compares what it is given, and keeps nothing. */
const others = new Set(
  `abortable asGuestpassError backOffMs prunableCheckpoint pruneTo withSpread auditExport auditRecord canonicalJson checkpointOf decodedText dueAt dueSetAt fingerprint
  GuestpassError guestIdOf guestIn guestsIn HttpFault isConnectionName isLoopback isWholeAddress iso readCheckpointLine keysRotated keyPlaces lackedScopes createPermitSource takeLease latestCredible leftOutText linkParts linkText closestName
  NotText ocsfExport prepareRestoredConnection profileIn pemKeys checkDocumentClaim checkCredentialClaim checkPageLimit checkCountLimit scopesOfClaims untilAborted checkOneConnection repeatUntilAborted reservePermits reservedParams profileSecret
  sha256Hex signedHeaders signingSecret signingSecretFault stopwatch parseStrictObject systemFetch applyFeedback textLines triesText verdictText
  verifyChain verifyExport webhookRoute chainLinks chainLinksBackwards newestLinks currentStatus guestEnd why rateLimitState retentionCatchUp countdown withCalls
  withClock errorTime apiKeyCreated apiKeyRevoked equalInConstantTime answerPrefix issuedGuestOf hasEnded pagesOf`.split(
    /\s+/,
  ),
)

it('every exported function is a factory of this table, or is listed as none', () => {
  const exported = Object.entries({ ...core, ...node }).filter(([, value]) => typeof value === 'function')
  const known = new Set([...Object.keys(factories), ...others])
  expect(exported.map(([name]) => name).filter((name) => !known.has(name))).toEqual([])
})

describeFactories(factories)
