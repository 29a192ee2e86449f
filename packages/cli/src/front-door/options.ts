import { stat } from 'node:fs/promises'
import { type Field, GuestpassError, type Secret } from '@guestpass/core'
import {
  type AuditListener,
  type ConfigOptions,
  type ConfigWith,
  optionFault,
  readConfig,
  type ReadOptions,
  readOptions,
  type WebhookOptions,
} from '@guestpass/runtime'
import { type FrontDoorLog, frontDoorLog, type Log } from './log.ts'
import { processDefaults } from './process.ts'

/**
 * Options of `guestpass()`. What is not given is read as the command line reads it: environment, `guestpass.config.json` or `.ts`, `.env`.
 * Besides those named here every setting of docs/configuration.md is an option by its name in the file.
 */
export interface GuestpassOptions extends ConfigOptions {
  /** Which connection: an organisation with an OAuth client. Default `default`. */
  readonly connection?: string | undefined
  /** Id of the OAuth client. */
  readonly clientId?: string | undefined
  /** Secret of the OAuth client; without one it is a public client. */
  readonly clientSecret?: string | Secret | undefined
  /** Region of Genesys Cloud: its domain or name, as `mypurecloud.ie` or `eu-west-1`. */
  readonly region?: string | undefined
  /** Address of one gateway for both OAuth and API, in the place of a region. */
  readonly baseUrl?: string | undefined
  /** Issuer of an OpenID provider: endpoints come from its discovery document. */
  readonly issuer?: string | undefined
  /**
   * Where guests and tokens are kept: the path of a database file, or `memory` for tests, which is gone with `close()`. Default: the
   * database of the command line, `./.guestpass/guestpass.db`. Those of one path share it, in this process and with others.
   */
  readonly store?: string | undefined
  /** Address of the CRM that enriches authenticated guests. */
  readonly crm?: string | undefined
  /** Where webhooks go; each is signed and delivered at least once, soon after its event. */
  readonly webhooks?: WebhookOptions | undefined
  /**
   * Gets every audit record of the connection at least once, in order, soon after its event. Where it throws, rejects or has not ended
   * after 20 s, the record comes again later. Several processes with a listener on one store share the records; of what a process
   * without one does none come.
   */
  readonly audit?: AuditListener | undefined
  /** Takes what the people who run the program should read. Default: each line once on standard error. */
  readonly log?: Log | undefined
  /** Variables of the environment. Default: those of the process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** The folder of configuration file and `.env`, from which relative paths count. Default: that of the process. */
  readonly cwd?: string | undefined
}

/** Options that are no settings. */
const OTHERS = ['audit', 'log']

/** A program's configuration and what it brings. */
export interface LoadedOptions {
  readonly config: ConfigWith<'hosts' | 'clientId'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly log: FrontDoorLog
  readonly audit: AuditListener | undefined
}

/** Reads options and what they leave open. Rejects with `config_invalid`, which names every mistake with what to do. */
export async function loadOptions(options: unknown): Promise<LoadedOptions> {
  const { layer, isComplete, connection, audit, log, ...places } = read(options)
  const { env = processDefaults.env(), cwd = processDefaults.cwd() } = places
  const faults = [
    ...functionFaults('audit', audit, '(record) => { … }'),
    ...functionFaults('log', log, '(line) => { … }'),
    ...(await folderFaults(cwd)),
  ]
  const all = { ...layer, faults: [...layer.faults, ...faults] }
  const config = await readConfig({
    env,
    cwd,
    options: all,
    // Where more is wrong than what is missing, the reading rejects anyhow.
    needs: isComplete ? NEEDS : [],
    ...(connection === undefined ? {} : { connection }),
  }).catch((thrown: unknown) => {
    throw thrown instanceof GuestpassError && thrown.code === 'config_invalid' ? withFieldsInMessage(thrown) : thrown
  })
  return { config, env, cwd, log: frontDoorLog(log as Log | undefined), audit: audit as AuditListener | undefined }
}

/** Throws `config_invalid` also where a member throws, as a getter or a Proxy may; what it threw is the cause, and not repeated. */
function read(options: unknown): ReadOptions & { readonly audit?: unknown; readonly log?: unknown } {
  try {
    const { audit, log } = (options ?? {}) as { readonly audit?: unknown; readonly log?: unknown }
    return { ...readOptions(options, OTHERS), audit, log }
  } catch (cause) {
    const fields = [
      {
        field: 'options',
        message: 'cannot be read: one of them throws',
        remedy: 'Give an object of plain values, without getters that throw.',
      },
    ]
    throw withFieldsInMessage(new GuestpassError('config_invalid', '', { fields, cause }))
  }
}

const NEEDS = ['hosts', 'clientId'] as const

/** A store would be made in a folder that is misspelt. */
async function folderFaults(cwd: string): Promise<readonly Field[]> {
  const isFolder = await stat(cwd).then(
    (found) => found.isDirectory(),
    () => false,
  )
  return isFolder
    ? []
    : [{ field: 'cwd', message: 'names no folder: there is no such folder', remedy: 'Give the path of a folder.' }]
}

const functionFaults = (name: string, value: unknown, example: string): readonly Field[] =>
  value === undefined || typeof value === 'function'
    ? []
    : [optionFault(name, value, 'a function', `Give ${example}, or leave it out.`)]

/** The error with its fields in the message, which is all that a program shows that does not catch it. */
function withFieldsInMessage(error: GuestpassError): GuestpassError {
  const { fields = [], cause } = error
  const lines = fields.map(({ field, message, remedy }) => `\n  ${field}: ${message}. ${remedy}`)
  const count = fields.length === 1 ? 'a mistake' : `${fields.length} mistakes`
  return new GuestpassError('config_invalid', `guestpass() found ${count}:${lines.join('')}`, { fields, cause })
}
