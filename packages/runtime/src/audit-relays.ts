import { type Clock, type Event, webhookRoute } from '@guestpass/core'
import { type Relay, relay, systemClock } from '@guestpass/core/runtime-kit'
import { asGuestpassError } from '@guestpass/core/store-kit'
import { AUDIT_FILE, auditFileSink } from './audit-file.ts'
import { type AuditListener, auditListenerQueue, auditListenerSink } from './audit-listener.ts'
import type { Config } from './config/config.ts'
import type { RuntimeHost } from './runtime-host.ts'
import type { OpenStore } from './open-store.ts'

/** A relay, and the queue that it empties. */
export interface QueueRelay {
  readonly queue: string
  readonly relay: Relay
}

/** What delivers audit records to the file of the configuration, and to the program's listener; undefined where there is none. */
export interface AuditRelays {
  readonly file: Relay | undefined
  readonly listener: Relay | undefined
}

/** The relays of audit records: to the file of the configuration, and to the listeners of the connection. */
export function auditRelays(
  { store: { outbox }, addRoute, auditListeners }: OpenStore,
  { connection, settings: { auditFile } }: Config,
  host: RuntimeHost,
  clock: Clock,
  listener: AuditListener | undefined,
): { readonly relays: readonly QueueRelay[]; readonly named: AuditRelays; leave(): void } {
  const listeners = auditListeners(connection)
  const onFault = (fault: unknown): void =>
    host.warn(`The audit listener failed: ${asGuestpassError(fault).message} It gets the record again later.`)
  const sinks = [
    ...(auditFile ? [auditFileSink(auditFile, host)] : []),
    // Waits that do not keep a process alive whose own work is done.
    ...(listener ? [auditListenerSink(connection, listeners, { clock: systemClock({ unref: true }), onFault })] : []),
  ]
  // Another one than that of another program part, also where both give the same function.
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
    leave() {
      removeRoute()
      if (own) listeners.all.delete(own)
    },
  }
}
