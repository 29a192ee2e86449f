import type { AuditRecord, Event, EventType, Guests, TokenListener } from '@guestpass/core'
import * as schemas from '@guestpass/core/options'
import { eventTypes, closestName } from '@guestpass/core/runtime-kit'
import { auditRecord, asGuestpassError } from '@guestpass/core/store-kit'
import { checkArgument, fieldFault, type Parameter, argumentError } from './arguments.ts'

/** A name in capitals and underscores, in Pascal case: `RefreshFailed` for `REFRESH_FAILED`. */
export type PascalCase<T extends string> = T extends `${infer Word}_${infer More}`
  ? `${Capitalize<Lowercase<Word>>}${PascalCase<More>}`
  : Capitalize<Lowercase<T>>

/** The name of a type of events in `on`, in camel case: `refreshFailed` for `REFRESH_FAILED`. */
export type EventName<T extends EventType> = T extends `${infer Word}_${infer More}`
  ? `${Lowercase<Word>}${PascalCase<More>}`
  : T extends `${infer Word}.${infer More}`
    ? `${Lowercase<Word>}${PascalCase<More>}`
    : Lowercase<T>

/** Further names that `Guestpass.on` takes for events that many programs need. */
export interface EventAliases {
  /** The sign-in of the user has ended: the user must sign in again. */
  readonly needsReauth: 'GRANT_ENDED'
  /** The sign-in of the user was ended by `signOut`. */
  readonly signedOut: 'GRANT_REVOKED'
}

const aliases: EventAliases = { needsReauth: 'GRANT_ENDED', signedOut: 'GRANT_REVOKED' }

/** The names of events that `on` takes, each with its type. */
export type EventTypesByName = { readonly [T in EventType as EventName<T>]: T } & EventAliases

/** An audit record of one type. */
export type EventRecord<T extends EventType = EventType> = Omit<AuditRecord, 'eventType'> & { readonly eventType: T }

/**
 * Takes each record of one type. What it throws or rejects with goes to the log, and changes nothing else.
 */
export type EventListener<T extends EventType = EventType> = (record: EventRecord<T>) => unknown

/**
 * Adds a listener of the events that this process commits for the connection; see `Guestpass.on`. The result
 * removes it.
 */
export interface AddEventListener {
  (name: 'tokenReady', listener: TokenListener): () => void
  <N extends keyof EventTypesByName>(name: N, listener: EventListener<EventTypesByName[N]>): () => void
}

const nameOf = (type: EventType): string =>
  type.toLowerCase().replaceAll(/[._](.)/g, (_, letter: string) => letter.toUpperCase())

const typesByName: ReadonlyMap<string, EventType> = new Map<string, EventType>([
  ...eventTypes.map((type) => [nameOf(type), type] as const),
  ...Object.entries(aliases),
])

const WHAT = 'The listener was not added'
const TOKEN_READY = 'tokenReady'
const LISTENER: Parameter = {
  what: WHAT,
  name: 'listener',
  kind: schemas.callable('Give a function that takes the record.'),
}

/** All names that `on` takes. */
const eventNames: readonly string[] = [TOKEN_READY, ...typesByName.keys()]

/** The remedy for an unknown name. */
function suggestion(name: unknown): string {
  const close = typeof name === 'string' ? closestName(name, eventNames) : undefined
  return close ? `Did you mean ${close}?` : `Known are ${eventNames.join(', ')}.`
}

interface EventParts {
  readonly connection: string
  readonly guests: Pick<Guests, 'onTokenReady'>
  /** Observes the commits of this process; the result ends that. */
  readonly observe: (observer: (events: readonly Event[]) => void) => () => void
  readonly warn: (line: string) => void
}

export interface Events {
  readonly on: AddEventListener
  close(): void
}

interface Listening extends EventParts {
  readonly listeners: Map<EventType, Set<EventListener>>
  /** Remove the observers of this front door. */
  readonly removals: Set<() => void>
}

/** Creates the listeners of a front door, and observes the commits of this process. */
export function createEvents(parts: EventParts): Events {
  const listening: Listening = { ...parts, listeners: new Map(), removals: new Set() }
  listening.removals.add(parts.observe((events) => callListeners(listening, events)))
  return {
    on: (name: unknown, listener: unknown) => addListener(listening, name, listener),
    close() {
      for (const remove of listening.removals) remove()
      listening.listeners.clear()
    },
  }
}

/** Calls a listener. If it throws or rejects, that is logged. */
function call({ warn }: Listening, name: string, listener: () => unknown): void {
  ;(async () => listener())().catch((thrown: unknown) =>
    warn(`A listener of ${name} failed: ${asGuestpassError(thrown).message}`),
  )
}

function callListeners(listening: Listening, events: readonly Event[]): void {
  for (const event of events) {
    const own = event.connection === listening.connection ? listening.listeners.get(event.type) : undefined
    if (!own || own.size === 0) continue
    const record = auditRecord(event)
    for (const listener of own) call(listening, nameOf(event.type), () => listener(record))
  }
}

function addListener(listening: Listening, name: unknown, listener: unknown): () => void {
  const type = typeof name === 'string' ? typesByName.get(name) : undefined
  if (!type && name !== TOKEN_READY) {
    const wrong = typeof name === 'string' ? `${JSON.stringify(name.slice(0, 60))} is not an event` : 'is not a text'
    throw argumentError(WHAT, fieldFault('name', wrong, suggestion(name)))
  }
  checkArgument(LISTENER, listener)
  return type ? onEvent(listening, type, listener as EventListener) : onTokenReady(listening, listener as TokenListener)
}

function onTokenReady(listening: Listening, listener: TokenListener): () => void {
  const { guests, removals } = listening
  const removeListener = guests.onTokenReady((event, token) =>
    call(listening, TOKEN_READY, () => listener(event, token)),
  )
  // Forgotten at once: a program may add a listener for every page that is open.
  const remove = (): void => {
    removals.delete(remove)
    removeListener()
  }
  removals.add(remove)
  return remove
}

function onEvent({ listeners }: Listening, type: EventType, listener: EventListener): () => void {
  // A function of its own, so that the same listener can be added twice.
  const own: EventListener = (record) => listener(record)
  const all = listeners.get(type) ?? new Set()
  listeners.set(type, all.add(own))
  return () => void all.delete(own)
}
