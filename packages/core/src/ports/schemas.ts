import { callable, objectWithMethods, type OptionSchema, required } from '../domain/options.ts'
import type { Store } from './store.ts'

const PORTS = 'Give that of nodePorts() or webPorts().'

/** Schema of a clock. */
export const clock = objectWithMethods('a clock', ['wall', 'monotonic', 'sleep'], PORTS)
/** Schema of a source of randomness. */
export const random = objectWithMethods('a source of randomness', ['uuid', 'float', 'bytes'], PORTS)
/** Schema of the HTTP port. */
export const http = callable(PORTS)
/** Schema of `Platform.maker`, which imports public keys for verification. */
export const keyMaker = objectWithMethods(
  'a maker of keys',
  ['fromJwk', 'fromPem'],
  'Give the maker of nodePlatform() or webPlatform().',
)
/** Schema of a platform: its crypto functions. */
export const platform = objectWithMethods(
  'a platform',
  ['sha256', 'bytes', 'ascii'],
  'Give that of nodePorts() or webPorts(), or nodePlatform() or webPlatform().',
)

const STORES = 'Give memoryStore(), await sqliteStore(…), or tokenStorage({ load, save }).'

/** The name of a method of `Store`. */
export type StoreMethod = Exclude<keyof Store, 'outbox'>

/** Schema of a store that has these methods: name those that the factory calls. It is required. */
export const store = (...methods: readonly StoreMethod[]): OptionSchema =>
  required(objectWithMethods('a store', methods, STORES))

/** Schema of the outbox of a store. It is required. */
export const outbox = required(
  objectWithMethods(
    'the outbox of a store',
    ['sinksFor', 'claim', 'settle', 'route', 'enqueue', 'deadLetters', 'counts', 'drop'],
    'Give `store.outbox`.',
  ),
)

/** Schema of a store with the methods that a connection needs. It is required. */
export const connectionStore = store(
  'commit',
  'ensureRoom',
  'find',
  'list',
  'touch',
  'document',
  'issued',
  'denied',
  'lease',
  'release',
  'reservePermits',
  'applyFeedback',
  'fact',
  'setFact',
)

/** Schema of a route: a function from an event to the names of sinks. */
export const route = callable('Give a function from an event to names of sinks, as webhookRoute.')
