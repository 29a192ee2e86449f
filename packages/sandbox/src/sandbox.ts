import type { AddressInfo } from 'node:net'
import { ZodError } from 'zod'
import type { ChannelOptions } from './channels/channels.ts'
import { environmentVariables } from './environment.ts'
import type { Fault } from './faults.ts'
import type { JournalEntry } from './journal.ts'
import { faultTexts, InvalidOptions, optionFaults } from './invalid-options.ts'
import { type Limit, limitBody } from './limits.ts'
import type { ConsentChoice } from './oauth/consent.ts'
import type { DeviceDecision } from './oauth/sign-in-endpoints.ts'
import type { User } from './oauth/users.ts'
import { readSettings, type SandboxOptions, type Settings } from './options.ts'
import { controlRoutes } from './control/routes.ts'
import type { SandboxGuest } from './known-guests.ts'
import { sandboxPartsMaker, type SandboxParts } from './sandbox-parts.ts'
import { createServer } from './server.ts'
import type { Delivery } from './receivers/deliveries.ts'

/**
 * A running sandbox. Its answers follow the documentation of Genesys Cloud (developer.genesys.cloud) and the
 * RFCs that each endpoint implements.
 */
export interface Sandbox {
  /** Base URL of all endpoints, without a slash at the end: the option `publicUrl` if it is given. */
  readonly url: string
  /** Environment variables that lead a client to this sandbox. They contain its secrets. */
  readonly env: Readonly<Record<string, string>>
  /**
   * The token of the control routes, in the header `x-sandbox-token`. It is required if the sandbox listens
   * beyond loopback.
   */
  readonly controlToken: string
  /** The id of the client without a secret, for PKCE. */
  readonly publicClientId: string
  /** The users who can sign in. */
  readonly users: readonly User[]
  /** The id of a channel that exists and is enabled. */
  readonly channelId: string
  /** Returns the kept requests, oldest first. Control requests are not among them. */
  journal(): JournalEntry[]
  /**
   * Adds faults to the script; an empty list clears it. Throws a TypeError that names every invalid member.
   */
  script(faults: readonly Fault[]): void
  /**
   * Moves the sandbox's clock by milliseconds, back if negative. Throws a RangeError beyond a hundred years.
   */
  advance(ms: number): void
  /**
   * Sets the sandbox's clock this many milliseconds ahead of its source. Throws a RangeError beyond a hundred
   * years.
   */
  setClock(offsetMs: number): void
  /**
   * Signs with a new key from now on. `drop` removes the old keys from the key-set (default false). Returns
   * the new key's id.
   */
  rollKeys(options?: { readonly drop?: boolean | undefined }): Promise<string>
  /**
   * Sets a new rate limit. Every access token starts again with nothing used. Throws a TypeError if it is not
   * valid.
   */
  setLimits(limit: Limit): void
  /**
   * Makes the authorize endpoint decide at once, or show its page again. Throws a TypeError if the choice is
   * not valid.
   */
  consent(choice: ConsentChoice): void
  /** Approves or denies a device sign-in. Throws a TypeError if no device waits with this code. */
  device(decision: DeviceDecision): void
  /** Adds a channel, or changes the one of this id. Throws a TypeError if it is not valid. */
  channel(channel: ChannelOptions): void
  /**
   * Ends the session of an authenticated guest, and frees its address. Throws a TypeError if the guest has no
   * session.
   */
  endGuest(guestId: string): void
  /**
   * Returns the webhooks that `/webhooks/{name}` received, of all names or one, oldest first. The last 10000
   * are kept.
   */
  deliveries(name?: string): Delivery[]
  /** Removes the received webhooks, of all names or one. */
  clearDeliveries(name?: string): void
  /** Replaces the secrets of webhooks. Throws a TypeError if the list is not valid. */
  webhookSecrets(secrets: readonly string[]): void
  /** Returns the guests of all APIs, without tokens. */
  guests(): SandboxGuest[]
  /**
   * Brings the sandbox back to its start: tokens, sign-ins, guests, channels, clock, limits, keys, consent,
   * faults, journal and webhooks are as at first. Address, client ids, secrets, users and `channelId` stay.
   */
  reset(): Promise<void>
  /** Closes every connection and stops listening. It may be called again. */
  close(): Promise<void>
}

/**
 * Starts a sandbox: a local Genesys Cloud with its OAuth server, its guest APIs, a CRM and receivers of
 * webhooks.
 *
 * Rejects with `InvalidOptions`, a TypeError that names every invalid option. If it cannot listen on the address, it rejects
 * with the error of Node (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`).
 *
 * @param options each has a default, see `SandboxOptions`
 * @returns the running sandbox, which must be closed
 *
 * @example
 * ```ts
 * import { sandbox } from '@guestpass/sandbox'
 *
 * const genesys = await sandbox({ autoConsent: true })
 * console.log(genesys.env['GENESYS_CLIENT_ID'])
 * await genesys.close()
 * ```
 */
export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = readSettings(options)
  const { host, port, publicUrl } = settings
  let url = publicUrl ?? ''
  const makeParts = await sandboxPartsMaker(settings, () => url)
  let parts = startedParts(makeParts, settings)
  const current = (): SandboxParts => parts
  const reset = async (): Promise<void> => {
    const next = startedParts(makeParts, settings)
    await next.addExistingGuests()
    parts = next
  }
  const server = createServer({
    current,
    routes: controlRoutes(current, reset),
    url: () => url,
    host,
    allowedHosts: [...settings.allowedHosts, ...(publicUrl === undefined ? [] : [new URL(publicUrl).hostname])],
    controlToken: parts.controlToken,
  })
  await server.listen({ host, port })
  url = publicUrl ?? baseUrl(host, server.server.address() as AddressInfo)
  await parts.addExistingGuests()
  return { url, ...controlsOf(current), env: variablesOf(parts, url), reset, close: async () => server.close() }
}

/** Makes the parts, with the faults of the options. */
function startedParts(makeParts: () => SandboxParts, { faults }: Settings): SandboxParts {
  const parts = makeParts()
  try {
    parts.faults.script(faults)
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    throw new InvalidOptions(optionFaults(error, { faults }, ['faults']))
  }
  return parts
}

const variablesOf = ({ clients, deliveries, keys }: SandboxParts, url: string): Readonly<Record<string, string>> =>
  environmentVariables({
    url,
    client: clients.main,
    publicClientId: clients.publicId,
    webhookSecrets: deliveries.secrets(),
    algorithm: keys.algorithm,
  })

/** The members of a sandbox that control and inspect it. They use the parts that are current at each call. */
function controlsOf(current: () => SandboxParts): Omit<Sandbox, 'url' | 'env' | 'reset' | 'close'> {
  const { controlToken, clients, decisions, guestDecisions } = current()
  return {
    controlToken,
    publicClientId: clients.publicId,
    users: decisions.users,
    channelId: guestDecisions.channelId,
    journal: () => current().journal.entries(),
    script: (faults) => withTypeError('The faults are', () => current().faults.script(faults)),
    advance: (ms) => current().clock.advance(ms),
    setClock: (offsetMs) => current().clock.setOffset(offsetMs),
    rollKeys: (options) => current().keys.roll(options),
    setLimits: (limit) => withTypeError('The limit is', () => current().limits.set(limitBody.parse(limit))),
    ...decisionControls(current),
    guests: () => current().knownGuests(),
    deliveries: (name) => current().deliveries.all(name),
    clearDeliveries: (name) => current().deliveries.clear(name),
    webhookSecrets: (secrets) => withTypeError('The secrets are', () => current().deliveries.setSecrets(secrets)),
  }
}

/** The members that decide as users and as the platform do. */
function decisionControls(current: () => SandboxParts): Pick<Sandbox, 'consent' | 'device' | 'channel' | 'endGuest'> {
  return {
    consent: (choice) => withTypeError('The choice is', () => current().decisions.consent.set(choice)),
    device: (decision) => withTypeError('The decision is', () => current().decisions.device(decision)),
    channel: (channel) => withTypeError('The channel is', () => current().guestDecisions.channel(channel)),
    endGuest: (guestId) =>
      withTypeError('The guest is', () => current().guestDecisions.endGuest({ guestId, end: true })),
  }
}

/**
 * Runs a call that parses its input. A ZodError becomes a TypeError whose message names every field at fault.
 */
function withTypeError(what: string, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    throw new TypeError(`${what} not valid: ${faultTexts(error.issues)}`, { cause: error })
  }
}

/** The base URL for clients on this machine, also if the server listens on every address. */
function baseUrl(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
