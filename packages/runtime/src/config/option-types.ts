import type { Secret } from '@guestpass/core'
import type { Variables } from './layers.ts'
import type { Key, Settings } from './settings.ts'

/**
 * The type of an option for a setting with the value `V`. A secret may also be given as text, and a list as
 * one item.
 */
export type OptionValue<V> = V extends readonly Secret[]
  ? string | Secret | readonly (string | Secret)[]
  : V extends Secret
    ? string | Secret
    : V extends readonly (infer Item extends string)[]
      ? Item | readonly Item[]
      : V

/** The keys of settings whose option has the name of the key. The others have another name, or no option. */
export type OptionKey = Exclude<
  Key,
  | 'apiKeyQuota'
  | 'apiKeys'
  | 'corsOrigins'
  | 'drainSeconds'
  | 'publicUrl'
  | 'trustedProxies'
  | 'analyticsWebhookUrl'
  | 'crmBaseUrl'
  | 'databaseUrl'
  | 'env'
  | 'idmWebhookUrl'
  | 'idpWebhookIncludeToken'
  | 'idpWebhookUrl'
  | 'webhookSecret'
>

/** Settings as options, by their names in the configuration file (docs/configuration.md). */
export type SettingOptions = {
  readonly [K in OptionKey]?: OptionValue<NonNullable<Settings[K]>> | undefined
}

/** The webhook endpoints of a connection, and the secret that signs their messages. */
export interface WebhookOptions {
  /**
   * The URL of the identity provider's endpoint, which gets a message for each renewed guest token.
   * `includeToken`: whether the message contains the token; default false.
   */
  readonly idp?: string | { readonly url: string; readonly includeToken?: boolean | undefined } | undefined
  /** The URL of identity management's endpoint, which gets a message for each renewal of an access token. */
  readonly idm?: string | undefined
  /** The URL of the analytics endpoint, which gets a message for each authenticated guest. */
  readonly analytics?: string | undefined
  /**
   * The secret that signs messages: `whsec_` and base64 of 24 to 64 bytes. Give two while one replaces the
   * other. Default: one is made, and kept in the store.
   */
  readonly secret?: string | Secret | readonly (string | Secret)[] | undefined
}

/** The options of a program for its configuration: settings, and where other settings are read. */
export interface ConfigOptions extends SettingOptions {
  /** The name of the connection. Default `default`. */
  readonly connection?: string | undefined
  /** `memory`, or the path of the database file. Default: the setting `GUESTPASS_DATABASE_URL`. */
  readonly store?: string | undefined
  /** The URL of the CRM. Default: the setting of that name, else no CRM. */
  readonly crm?: string | undefined
  /** Webhook endpoints. Default: those of the settings. */
  readonly webhooks?: WebhookOptions | undefined
  /** The variables that are read as the environment. Default `process.env`. */
  readonly env?: Variables | undefined
  /** The folder of `.env`, of the configuration file, and of relative paths. Default `process.cwd()`. */
  readonly cwd?: string | undefined
}
