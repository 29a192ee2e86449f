import type * as z from 'zod/mini'
import { type email, treatment } from './applicant-fields.ts'
import type {
  AuthenticatingApi,
  AuthenticatingCalls,
  AuthenticatingFacts,
  CheckedRequest,
  ProviderParts,
} from './guest-api.ts'
import type { InputOf, OutputOf, RequestField, RequestFields } from './request-field.ts'

/** Fields of an applicant's request. Those that have the names of `CheckedRequest` give its types. */
type ApplicantFields = RequestFields & { readonly email: typeof email } & {
  readonly [Name in keyof CheckedRequest]?: RequestField<z.ZodMiniType<CheckedRequest[Name]>>
}

/** An API that makes guests for addresses, with the types of its facts and fields. */
type Authenticating<Facts extends AuthenticatingFacts, Fields extends RequestFields> = Facts &
  Omit<AuthenticatingApi, 'fields'> & { readonly fields: Fields & typeof treatment }

/**
 * Defines an API that makes guests for addresses. `fields`: those of its requests; the fields that say how an
 * applicant is treated (`assurance`, `onDuplicate`, `onDoubt`) are added. `calls`: the calls of the API;
 * their request is one that the fields have checked.
 */
export const authenticating = <const Facts extends AuthenticatingFacts, Fields extends ApplicantFields>(
  facts: Facts,
  code: {
    readonly fields: Fields
    calls(parts: ProviderParts): AuthenticatingCalls<CheckedRequest & OutputOf<Fields>>
  },
): Authenticating<Facts, Fields> => ({
  ...facts,
  guests: 'authenticated',
  fields: { ...code.fields, ...treatment },
  calls: code.calls,
})

/** A request for a guest of an API, as programs write it. `api` may be absent for `guest-tokens`, the default. */
export type RequestOf<Api extends { readonly name: string; readonly guests: string; readonly fields: RequestFields }> =
  Api extends { readonly guests: 'minted' }
    ? { readonly api?: Api['name'] | undefined } & InputOf<Api['fields']>
    : { readonly api: Api['name'] } & InputOf<Api['fields']>
