import { type AuthenticatingGuestApi, authenticatingApis } from '@guestpass/core/runtime-kit'
import * as kinds from './kinds.ts'

/** `external-user` as `externalUser`. */
type Camel<Text extends string> = Text extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<Camel<Rest>>}`
  : Text

/** The key of the setting for the format of an API's tokens. */
type KeyOf<Api extends AuthenticatingGuestApi> = `${Camel<Api['singular']>}TokenFormat`

const kind = kinds.oneOf('jwt', 'opaque')

/** The key of the setting for the format of an API's tokens, as `engagementTokenFormat`. */
export const tokenFormatKey = <Api extends AuthenticatingGuestApi>({ singular }: Api): KeyOf<Api> =>
  `${singular.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())}TokenFormat` as KeyOf<Api>

const settingOf = ({ name, singular, tokenFormat }: AuthenticatingGuestApi) =>
  ({
    names: [`GENESYS_${singular.replaceAll('-', '_').toUpperCase()}_TOKEN_FORMAT`],
    of: 'connection',
    about: `Whether tokens of the ${name} API are JWTs, which are verified, or opaque, which are taken as they are`,
    write: 'jwt or opaque',
    fallback: tokenFormat,
    kind,
  }) as const

/** The settings for the formats of tokens, one for each authenticating API. */
export const tokenFormatSettings = Object.fromEntries(
  authenticatingApis.map((api) => [tokenFormatKey(api), settingOf(api)]),
) as { readonly [Api in AuthenticatingGuestApi as KeyOf<Api>]: ReturnType<typeof settingOf> }
