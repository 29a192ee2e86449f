import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import {
  asGuestpassError,
  type AuditLog,
  auditLog,
  type Clock,
  type Connection,
  type ConnectionPorts,
  type Context,
  connection,
  GuestpassError,
  jsonLines,
  type Event,
  type Random,
  type Relay,
  relay,
  SECOND,
  webhookRoute,
  type Webhooks,
  webhooks,
} from '@guestpass/core'
import { guardedHttp, nodePorts } from '@guestpass/core/node'
import type { KeyRing, SealedStore } from '@guestpass/store/sqlite'
import type { Config, ConfigWith } from './config/config.ts'
import { configuredEndpoints } from './endpoints.ts'
import type { Cli } from './frame/verb.ts'
import { appendLines } from './appended-lines.ts'
import { visible } from './frame/visible.ts'
import { waitingForStore } from './unsaved.ts'

/** The sink that appends audit records to the file of GUESTPASS_AUDIT_FILE. */
const AUDIT = 'audit-file'
/** How long a verb that ends waits for its own events to be delivered; the rest waits for the next one. */
const DRAIN = SECOND

export interface Workplace {
  readonly store: SealedStore
  readonly ports: ConnectionPorts
  readonly webhooks: Webhooks
  readonly auditLog: AuditLog
  /** The connections that were opened on it. */
  readonly connections: Connection[]
  /** Takes a connection in: its keys are mirrored until `close`, where the verb stays up. */
  add(connection: Connection): void
  /** Delivers events and signs checkpoints until the signal aborts; verbs that end by themselves need not call it. */
  deliver(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Where the embedded database of a configuration is. */
export function databasePath({ settings: { databaseUrl }, origins }: Config, cwd: string): string {
  if (databaseUrl.kind === 'file') return resolve(cwd, databaseUrl.path)
  const field = origins.databaseUrl?.name ?? '--database'
  const message = 'names a PostgreSQL database, which this version does not have yet'
  throw new GuestpassError('config_invalid', `The database cannot be used: ${field} ${message}.`, {
    fields: [{ field, message, remedy: 'Give the path of a file, or leave it unset.' }],
  })
}

/** Opens the store and everything that a connection needs of the world. `lasts`: for a verb that stays up. */
export async function workplace(config: Config, cli: Cli, lasts = false): Promise<Workplace> {
  // Loaded here, so that verbs without a store start sooner.
  const { localKeyRing, sqliteStore } = await import('@guestpass/store/sqlite')
  const { close, ...world } = nodePorts({ proxy: cli.world.env })
  const guarded = guardedHttp()
  const { clock, random } = world
  const path = databasePath(config, cli.world.cwd)
  const { encryptionKey, auditFile } = config.settings
  const keyRing = encryptionKey
    ? localKeyRing(encryptionKey.map((key) => key.reveal()).join(','), { random })
    : await keyRingBeside(path, random, cli)
  const route = (event: Event): readonly string[] => [...(auditFile ? [AUDIT] : []), ...webhookRoute(event)]
  const store = await sqliteStore({ path, keyRing, clock, random, route })
  const audit = auditFile
    ? relay(
        store.outbox,
        jsonLines(AUDIT, (lines) => appended(resolve(cli.world.cwd, auditFile), lines, cli)),
        { clock },
      )
    : undefined
  const { connection: name, settings } = config
  const hooks = webhooks(
    {
      connection: name,
      configured: await configuredEndpoints(config, { store, random }, cli),
      actor: 'cli',
      ...(settings.clientId === undefined ? {} : { clientId: settings.clientId }),
    },
    { store, ...world, guardedHttp: guarded.http },
  )
  const log = auditLog(name, { store, clock })
  const couriers = [hooks, ...(audit ? [audit] : [])]
  const connections: Connection[] = []
  const closing = new AbortController()
  const background: Promise<void>[] = []
  return {
    store,
    connections,
    add(connection) {
      connections.push(connection)
      if (lasts) background.push(connection.run(AbortSignal.any([cli.signal, closing.signal])))
    },
    ports: { store, ...world, ...waitingForStore(path, cli, lasts) },
    webhooks: hooks,
    auditLog: log,
    deliver: async (signal) => void (await Promise.all([...couriers, log].map((one) => one.run(signal)))),
    async close() {
      closing.abort()
      await Promise.allSettled(background)
      if (!cli.signal.aborted) await Promise.all(connections.map((one) => one.idle()))
      // What cannot be delivered now waits in the store for the next verb.
      await drained(couriers, clock).catch(() => {})
      // Whoever interrupts does not wait for requests under way.
      if (!cli.signal.aborted) await Promise.all([close(), guarded.close()])
      await store.close()
    },
  }
}

/** Delivers what there is for up to a second. What was cut off is put back, for the next one to try at once. */
async function drained(couriers: readonly Pick<Relay, 'drain'>[], clock: Clock): Promise<void> {
  const late = new AbortController()
  const ended = Promise.all(couriers.map((courier) => courier.drain(late.signal)))
  await Promise.race([ended, clock.sleep(DRAIN, late.signal)]).finally(() => late.abort())
  await ended
}

/** Appends to the audit file. What could not be written waits in the store, and that is told. */
async function appended(path: string, lines: string, cli: Cli): Promise<void> {
  try {
    await appendLines(path, lines.split('\n').map(visible).join('\n'))
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    cli.note(
      `guestpass: warning: GUESTPASS_AUDIT_FILE ${path} cannot be written (${code}); its records wait in the store until it can`,
    )
    throw thrown
  }
}

const statsOf = async (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined)

/**
 * The key ring of a key file beside the database, which is made when there is neither; that is said once. A key made for a
 * store that has another one could only be mistaken for it.
 */
async function keyRingBeside(path: string, random: Random, cli: Cli): Promise<KeyRing> {
  const file = join(dirname(path), 'encryption.key')
  // In this order: a process that starts at the same time makes the key before the database.
  const stands = await statsOf(path)
  // Also something that can be no store: opening it says so.
  const isNew = stands === undefined || (stands.isFile() && stands.size === 0)
  if (!isNew && (await statsOf(file)) === undefined) return lostKeyRing(path, file)
  const { fileKeyRing } = await import('@guestpass/store/sqlite')
  const { ring, made } = await fileKeyRing(file, { random })
  if (made) cli.note(`guestpass: made the encryption key ${file}; keep a copy, the store cannot be read without it`)
  return ring
}

function lostKeyRing(path: string, file: string): KeyRing {
  const lost = async (): Promise<never> => {
    throw new GuestpassError(
      'store_wrong_key',
      `The key of the store ${path} is missing: GUESTPASS_ENCRYPTION_KEY is not set, and there is no key file ${file}. Set the one or bring back the other, or use another --database. It was not changed.`,
    )
  }
  return { id: '', wrap: lost, unwrap: lost }
}

/** How long a verb waits when it is not told, also for the end of a back-off that an earlier verb met. */
const PATIENCE_SECONDS = 30

/** On whose behalf a verb calls the library, and how long it waits. `actor`: default `cli`. */
export const contextOf = (
  { signal }: Cli,
  { patienceSeconds = PATIENCE_SECONDS }: Pick<Config['settings'], 'patienceSeconds'> = {},
  actor = 'cli',
): Omit<Context, 'signal' | 'correlationId'> & { readonly signal: AbortSignal } => ({
  actor,
  signal,
  patienceMs: patienceSeconds * SECOND,
})

/** What a verb needs to talk to upstream. */
export type Reachable = ConfigWith<'hosts' | 'clientId'>

/** The connection of a configuration, on a workplace. */
export async function connect(
  { connection: name, hosts, settings }: Reachable,
  { ports, add }: Workplace,
): Promise<Connection> {
  const { clientAuth, scopes, accessTokenFormat, gateway, rateLimit } = settings
  const made = await connection(
    {
      name,
      hosts,
      ...client(settings),
      clientAuth,
      accessTokenFormat,
      gateway,
      policy: { limit: { perMinute: rateLimit } },
      ...pins(settings),
      ...people(settings),
      ...signedIn(settings),
      ...(scopes ? { scopes } : {}),
      ...(settings.publicKey ? { publicKey: settings.publicKey } : {}),
    },
    ports,
  )
  add(made)
  return made
}

/** What the configuration says of the OAuth client and of its requests. */
const client = (settings: Reachable['settings']) => {
  const { clientId, clientSecret, privateKey, basicEncoding, authorizeParams, tokenParams } = settings
  return {
    client: {
      id: clientId,
      basicEncoding,
      ...(clientSecret ? { secret: clientSecret } : {}),
      ...(privateKey ? { privateKey } : {}),
    },
    ...(authorizeParams ? { authorizeParams } : {}),
    ...(tokenParams ? { tokenParams } : {}),
  }
}

/** What the configuration says of the sign-in of a user. */
const signedIn = ({ refreshToken, refreshProfile, refreshGraceSeconds }: Config['settings']) => ({
  refreshProfile,
  graceMs: refreshGraceSeconds * SECOND,
  ...(refreshToken ? { refreshToken } : {}),
})

/** What the configuration says of the guests of people. */
const people = (settings: Config['settings']) => ({
  preflight: settings.preflight,
  onDuplicate: settings.duplicates,
  tokenFormat: { engagements: settings.engagementTokenFormat, 'external-users': settings.externalUserTokenFormat },
  ...(settings.crmBaseUrl === undefined ? {} : { crmUrl: settings.crmBaseUrl }),
})

/** What the configuration says that tokens must be. */
export const pins = ({ tokenAlgorithms, tokenIssuer, tokenAudience, tokenOrganization }: Config['settings']) => ({
  ...(tokenAlgorithms === undefined ? {} : { algorithms: tokenAlgorithms }),
  ...(tokenIssuer === undefined ? {} : { issuer: tokenIssuer }),
  ...(tokenAudience === undefined ? {} : { audience: tokenAudience }),
  ...(tokenOrganization === undefined ? {} : { organization: { claim: ORGANIZATION_CLAIM, id: tokenOrganization } }),
})

/** The claim in which tokens name the organisation that they are of. */
const ORGANIZATION_CLAIM = 'org'

/** Work that comes after a verb's answer: a failure is a warning, and does not change the outcome. */
export async function afterwards(work: () => Promise<void>, cli: Cli): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    cli.note(`guestpass: warning: ${asGuestpassError(thrown).message}`)
  }
}

/** Runs work at a workplace that is closed whatever happens. `lasts`: the work of a verb that stays up. */
export async function atWork<T>(
  config: Config,
  cli: Cli,
  work: (place: Workplace) => Promise<T>,
  { lasts = false }: { readonly lasts?: boolean } = {},
): Promise<T> {
  const place = await workplace(config, cli, lasts)
  try {
    return await work(place)
  } finally {
    await afterwards(() => place.close(), cli)
  }
}
