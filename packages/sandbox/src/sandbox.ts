import type { AddressInfo } from 'node:net'
import { ZodError } from 'zod'
import type { ChannelOptions } from './channels/channels.ts'
import { environmentVariables } from './environment.ts'
import type { Fault } from './faults.ts'
import type { JournalEntry } from './journal.ts'
import { type Limit, limitBody } from './limits.ts'
import type { ConsentChoice } from './oauth/consent.ts'
import type { DeviceDecision } from './oauth/sign-in-endpoints.ts'
import type { User } from './oauth/users.ts'
import { readSettings, type SandboxOptions } from './options.ts'
import { createSandboxParts, type SandboxParts } from './sandbox-parts.ts'
import { createServer } from './server.ts'
import type { Delivery } from './receivers/deliveries.ts'

/** A running local Genesys. */
export interface Sandbox {
  /** Base URL of everything, without a slash at the end. */
  readonly url: string
  /** Environment variables that point a client at this sandbox. They hold its secrets. */
  readonly env: Readonly<Record<string, string>>
  /** Opens the control routes from other machines, in the header `x-sandbox-token`. */
  readonly controlToken: string
  /** A client without a secret. */
  readonly publicClientId: string
  /** The users who can sign in. */
  readonly users: readonly User[]
  /** The id of a channel that guests can come through. */
  readonly channelId: string
  /** The requests so far, oldest first, as far as they are kept. */
  journal(): JournalEntry[]
  /** Adds faults to the script; an empty list clears it. Throws a TypeError that names what is not valid. */
  script(faults: readonly Fault[]): void
  /** Moves the sandbox's clock, in milliseconds; negative moves it back. Throws a RangeError beyond a hundred years. */
  advance(ms: number): void
  /** Puts the sandbox's clock this many milliseconds ahead of its source. */
  setClock(offsetMs: number): void
  /** Signs with a new key from now on; `drop` removes the old ones from the published set. Returns the new key's id. */
  rollKeys(options?: { readonly drop?: boolean | undefined }): Promise<string>
  /** New limits, and every access token starts again with nothing used. Throws a TypeError for a limit that is not valid. */
  setLimits(limit: Limit): void
  /** Decides sign-ins at once, or shows their page again. Throws a TypeError for a choice that is not valid. */
  consent(choice: ConsentChoice): void
  /** Approves or denies a device sign-in. Throws a TypeError when no device waits with this code. */
  device(decision: DeviceDecision): void
  /** Adds a channel, or changes the one of this id. Throws a TypeError for one that is not valid. */
  channel(channel: ChannelOptions): void
  /** Ends the session of an authenticated guest: it cannot be refreshed, and its address is free. Throws a TypeError when none lives. */
  endGuest(guestId: string): void
  /** The webhooks that came to `/webhooks/{name}` so far, or those of one name, oldest first. */
  deliveries(name?: string): Delivery[]
  clearDeliveries(name?: string): void
  /** What webhooks are signed with from now on. Throws a TypeError for a list that is not valid. */
  webhookSecrets(secrets: readonly string[]): void
  /** Ends every connection and stops listening. May be called again. */
  close(): Promise<void>
}

/**
 * Starts a sandbox: a local Genesys Cloud with its OAuth server, its guest APIs, a CRM and webhook receivers.
 *
 * @param options each has a default, see `SandboxOptions`
 * @returns the running sandbox; close it
 *
 * Rejects with a TypeError that names every invalid option, and with the error of Node when it cannot listen on the
 * address (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`).
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
  let url = ''
  const parts = await createSandboxParts(settings, () => url)
  const script = (faults: readonly Fault[]) => withTypeError('The faults are', () => parts.faults.script(faults))
  script(settings.faults)
  const { host, port, allowedHosts } = settings
  const server = createServer({ ...parts, host, allowedHosts })
  await server.listen({ host, port })
  url = baseUrl(host, server.server.address() as AddressInfo)
  return { url, ...controlsOf(parts), env: variablesOf(parts, url), script, close: async () => server.close() }
}

const variablesOf = ({ clients, deliveries }: SandboxParts, url: string): Readonly<Record<string, string>> =>
  environmentVariables({
    url,
    client: clients.main,
    publicClientId: clients.publicId,
    webhookSecrets: deliveries.secrets(),
  })

/** The members of a sandbox that steer it and look into it from code. */
function controlsOf(parts: SandboxParts): Omit<Sandbox, 'url' | 'env' | 'script' | 'close'> {
  const { clock, keys, limits, clients, journal, decisions, guestDecisions, deliveries, controlToken } = parts
  return {
    controlToken,
    publicClientId: clients.publicId,
    users: decisions.users,
    channelId: guestDecisions.channelId,
    journal: journal.entries,
    advance: clock.advance,
    setClock: clock.setOffset,
    rollKeys: keys.roll,
    setLimits: (limit) => withTypeError('The limit is', () => limits.set(limitBody.parse(limit))),
    consent: (choice) => withTypeError('The choice is', () => decisions.consent.set(choice)),
    device: (decision) => withTypeError('The decision is', () => decisions.device(decision)),
    channel: (channel) => withTypeError('The channel is', () => guestDecisions.channel(channel)),
    endGuest: (guestId) => withTypeError('The guest is', () => guestDecisions.endGuest({ guestId, end: true })),
    deliveries: deliveries.all,
    clearDeliveries: deliveries.clear,
    webhookSecrets: (secrets) => withTypeError('The secrets are', () => deliveries.setSecrets(secrets)),
  }
}

/** Runs a call that parses its input. A ZodError becomes a TypeError whose message names every field at fault. */
function withTypeError(what: string, run: () => void): void {
  try {
    run()
  } catch (error) {
    if (!(error instanceof ZodError)) throw error
    const issues = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new TypeError(`${what} not valid: ${issues.join('; ')}`, { cause: error })
  }
}

/** Where clients on this machine reach the server, also when it listens on every address. */
function baseUrl(host: string, { port }: AddressInfo): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
