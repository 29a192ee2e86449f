import { callable, objectWithMethods, type OptionSchema, required } from '../domain/options.ts'
import type { Store } from './store.ts'

const PORTS = 'Give that of nodePorts() or webPorts().'

export const clock = objectWithMethods('a clock', ['wall', 'monotonic', 'sleep'], PORTS)
export const random = objectWithMethods('a source of randomness', ['uuid', 'float', 'bytes'], PORTS)
export const http = callable(PORTS)
export const signal = objectWithMethods(
  'an AbortSignal',
  ['addEventListener', 'throwIfAborted'],
  'Give the signal of an AbortController.',
)
export const keyMaker = objectWithMethods(
  'a maker of keys',
  ['fromJwk', 'fromPem'],
  'Give the maker of nodePlatform() or webPlatform().',
)
export const platform = objectWithMethods(
  'a platform',
  ['sha256', 'bytes', 'ascii'],
  'Give that of nodePorts() or webPorts(), or nodePlatform() or webPlatform().',
)

const STORES = 'Give memoryStore(), await sqliteStore(…), or tokenStorage({ load, save }).'

type Method = Exclude<keyof Store, 'outbox'>

/** A store, by the methods that are called. */
export const store = (...methods: readonly Method[]): OptionSchema =>
  required(objectWithMethods('a store', methods, STORES))

export const outbox = required(
  objectWithMethods(
    'the outbox of a store',
    ['sinksFor', 'claim', 'settle', 'route', 'enqueue', 'deadLetters', 'counts', 'drop'],
    'Give `store.outbox`.',
  ),
)

/** The methods that a connection calls. */
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

export const route = callable('Give a function from an event to names of sinks, as webhookRoute.')
