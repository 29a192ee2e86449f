import { stat } from 'node:fs/promises'
import { type Field, GuestpassError, type Secret } from '@guestpass/core'
import {
  type AuditListener,
  type ConfigOptions,
  type ConfigWith,
  optionFault,
  readConfig,
  type ParsedOptions,
  readOptions,
  type WebhookOptions,
} from '@guestpass/runtime'
import { type FrontDoorLog, createFrontDoorLog, type Log } from './log.ts'
import { processDefaults } from './process.ts'

/**
 * Options of `guestpass()`. Settings that are not given come from the environment, `guestpass.config.json` or
 * `.ts`, and `.env`. Besides the options named here, every setting of docs/configuration.md is an option by
 * its name in the file.
 */
export interface GuestpassOptions extends ConfigOptions {
  /** The name of the connection: one organisation with one OAuth client. Default `default`. */
  readonly connection?: string | undefined
  /** Id of the OAuth client. */
  readonly clientId?: string | undefined
  /** Secret of the OAuth client. Default: a public client. */
  readonly clientSecret?: string | Secret | undefined
  /** Region of Genesys Cloud: its domain or name, as `mypurecloud.ie` or `eu-west-1`. */
  readonly region?: string | undefined
  /** Address of one gateway for both OAuth and API, instead of a region. */
  readonly baseUrl?: string | undefined
  /**
   * Issuer of an OpenID provider: endpoints come from its discovery document (OpenID Connect Discovery 1.0).
   */
  readonly issuer?: string | undefined
  /**
   * The store of guests and tokens: the path of a database file, or `memory` for tests, whose data is lost
   * with `close()`. Default: `./.guestpass/guestpass.db`, as on the command line. Several connections and
   * processes may share one file.
   */
  readonly store?: string | undefined
  /** URL of the CRM whose profiles are added to authenticated guests. Default: no CRM. */
  readonly crm?: string | undefined
  /** Webhook endpoints. Messages are signed, and delivered at least once, soon after their event. */
  readonly webhooks?: WebhookOptions | undefined
  /**
   * Takes every audit record of the connection at least once, in order, soon after its event. If it throws,
   * rejects or has not ended after 20 s, the record comes again later. Several processes with a listener on
   * one store share the records. Records of a process without a listener do not come.
   */
  readonly audit?: AuditListener | undefined
  /** Takes notes and warnings for the operator, a line each. Default: each line once on standard error. */
  readonly log?: Log | undefined
  /** Variables of the environment. Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /**
   * The folder of configuration file and `.env`; relative paths start from it. Default: the current folder of
   * the process.
   */
  readonly cwd?: string | undefined
}

/** Options that are not settings. */
const OTHER_OPTIONS = ['audit', 'log']

/** The configuration of a program, and its own functions. */
export interface LoadedOptions {
  readonly config: ConfigWith<'hosts' | 'clientId'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly log: FrontDoorLog
  readonly audit: AuditListener | undefined
}

/**
 * Reads the options, and the other sources of settings. Rejects with `config_invalid`, which names every
 * mistake with its remedy.
 */
export async function loadOptions(options: unknown): Promise<LoadedOptions> {
  const { layer, isComplete, connection, audit, log, ...places } = read(options)
  const { env = processDefaults.env(), cwd = processDefaults.cwd() } = places
  const faults = [
    ...functionFaults('audit', audit, '(record) => { … }'),
    ...functionFaults('log', log, '(line) => { … }'),
    ...(await folderFaults(cwd)),
  ]
  const frontDoorLog = createFrontDoorLog(typeof log === 'function' ? (log as Log) : undefined)
  const all = { ...layer, faults: [...layer.faults, ...faults] }
  const config = await readConfig({
    env,
    cwd,
    options: all,
    warn: frontDoorLog.warn,
    // If the sources of settings are wrong, nothing can be reported as missing.
    needs: isComplete ? NEEDS : [],
    ...(connection === undefined ? {} : { connection }),
  }).catch((thrown: unknown) => {
    throw thrown instanceof GuestpassError && thrown.code === 'config_invalid' ? withFieldsInMessage(thrown) : thrown
  })
  return {
    config,
    env,
    cwd,
    log: frontDoorLog,
    audit: audit as AuditListener | undefined,
  }
}

/**
 * Throws `config_invalid` also if a getter or a Proxy throws. What it threw becomes the cause, and is not
 * shown.
 */
function read(options: unknown): ParsedOptions & { readonly audit?: unknown; readonly log?: unknown } {
  try {
    const { audit, log } = (options ?? {}) as { readonly audit?: unknown; readonly log?: unknown }
    return { ...readOptions(options, OTHER_OPTIONS), audit, log }
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

/** Otherwise a store would be made in a folder whose name is misspelt. */
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

/** Puts the fields into the message, because a program that does not catch the error shows only that. */
function withFieldsInMessage(error: GuestpassError): GuestpassError {
  const { fields = [], cause } = error
  const lines = fields.map(({ field, message, remedy }) => `\n  ${field}: ${message}. ${remedy}`)
  const count = fields.length === 1 ? 'a mistake' : `${fields.length} mistakes`
  return new GuestpassError('config_invalid', `guestpass() found ${count}:${lines.join('')}`, { fields, cause })
}
