import { type Clock, type Event, webhookRoute } from '@guestpass/core'
import { type Relay, relay, systemClock } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { AUDIT_FILE, auditFileSink } from './audit-file.ts'
import { type AuditListener, auditListenerQueue, createAuditListenerSink } from './audit-listener.ts'
import type { Config } from './config/config.ts'
import type { RuntimeHost } from './runtime-host.ts'
import type { OpenStore } from './open-store.ts'

/** A relay, and the name of the queue that it delivers. */
export interface QueueRelay {
  readonly queue: string
  readonly relay: Relay
}

/**
 * The relays that deliver audit records: to the configured file, and to the program's listener. Undefined if
 * there is none.
 */
export interface AuditRelays {
  readonly file: Relay | undefined
  readonly listener: Relay | undefined
}

/**
 * Creates the relays of audit records: to the configured file, and to the listeners of the connection.
 * `close` removes the listener and its route.
 */
export function createAuditRelays(
  { store: { outbox }, addRoute, auditListeners }: OpenStore,
  { connection, settings: { auditFile } }: Config,
  host: RuntimeHost,
  clock: Clock,
  listener: AuditListener | undefined,
): { readonly relays: readonly QueueRelay[]; readonly named: AuditRelays; close(): void } {
  const listeners = auditListeners(connection)
  const onFault = (fault: unknown): void =>
    host.warn(`The audit listener failed: ${asGuestpassError(fault).message} The record is delivered again later.`)
  const sinks = [
    ...(auditFile ? [auditFileSink(auditFile, host)] : []),
    // Its timers do not keep a process alive whose own work is done.
    ...(listener
      ? [createAuditListenerSink(connection, listeners, { clock: systemClock({ unref: true }), onFault })]
      : []),
  ]
  // A function of its own, so that two parts of a program can give the same listener.
  const own: AuditListener | undefined = listener && ((record) => listener(record))
  if (own) listeners.all.add(own)
  const isOwn = (event: Event): boolean => event.connection === connection
  const removeRoute = addRoute((event) => [
    ...sinks.flatMap(({ name }) => (name === AUDIT_FILE || isOwn(event) ? [name] : [])),
    ...webhookRoute(event),
  ])
  const relays = sinks.map((sink) => ({ queue: sink.name, relay: relay(outbox, sink, { clock }, { connection }) }))
  const relayOf = (queue: string): Relay | undefined => relays.find((one) => one.queue === queue)?.relay
  return {
    relays,
    named: { file: relayOf(AUDIT_FILE), listener: relayOf(auditListenerQueue(connection)) },
    close() {
      removeRoute()
      if (own) listeners.all.delete(own)
    },
  }
}
