import type { Secret } from '@guestpass/core'
import type { Variables } from './layers.ts'
import type { Key, Settings } from './settings.ts'

/** What a program may give for the value of a setting. */
type OptionValue<V> = V extends readonly Secret[]
  ? string | Secret | readonly (string | Secret)[]
  : V extends Secret
    ? string | Secret
    : V extends readonly (infer Item extends string)[]
      ? Item | readonly Item[]
      : V

/** Settings whose option has another name or form, or that are no program's. */
type Renamed =
  | 'apiKeys'
  | 'analyticsWebhookUrl'
  | 'crmBaseUrl'
  | 'databaseUrl'
  | 'env'
  | 'idmWebhookUrl'
  | 'idpWebhookIncludeToken'
  | 'idpWebhookUrl'
  | 'webhookSecret'

/** Every setting by its name in docs/configuration.md. */
export type SettingOptions = {
  readonly [K in Exclude<Key, Renamed>]?: OptionValue<NonNullable<Settings[K]>> | undefined
}

/** Where webhooks of the connection go, and what signs them. */
export interface WebhookOptions {
  /** Of the identity provider: renewed guest tokens. With `includeToken` the token itself is sent. */
  readonly idp?: string | { readonly url: string; readonly includeToken?: boolean | undefined } | undefined
  /** Of identity management: renewed access tokens. */
  readonly idm?: string | undefined
  /** Of analytics: guests that were authenticated. */
  readonly analytics?: string | undefined
  /** `whsec_` and base64 of 24 to 64 bytes; several while one replaces another. Default: one is made and kept in the store. */
  readonly secret?: string | Secret | readonly (string | Secret)[] | undefined
}

/** Options of a program that are values of settings, or say where settings are read. */
export interface ConfigOptions extends SettingOptions {
  readonly connection?: string | undefined
  readonly store?: string | undefined
  readonly crm?: string | undefined
  readonly webhooks?: WebhookOptions | undefined
  readonly env?: Variables | undefined
  readonly cwd?: string | undefined
}
