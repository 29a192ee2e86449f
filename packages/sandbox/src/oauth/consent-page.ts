import type { Answer } from '../endpoint.ts'
import type { Client } from './clients.ts'
import { html, type Markup, page } from './page.ts'
import type { FormToken } from './form-tokens.ts'
import type { User } from './users.ts'

interface ConsentPage {
  readonly client: Client
  readonly scopes: readonly string[]
  readonly users: readonly User[]
  readonly formToken: FormToken
  /** The path of the sandbox to which the form is sent. */
  readonly action: string
  /** A paragraph above the choice, as a code that the user should compare. */
  readonly remark?: Markup
  /** CSP sources to which the form may lead besides the sandbox. Default none. */
  readonly formTargets?: readonly string[]
}

/** A page on which a user is chosen and allows or denies the requested scopes. */
export function consentPage({
  client,
  scopes,
  users,
  formToken,
  action,
  remark,
  formTargets = [],
}: ConsentPage): Answer {
  return page({
    title: `Sign in to ${client.organization.name}`,
    formTargets,
    headers: formToken.headers,
    main: html`<p class="note">This is a local sandbox: its users are made up and have no passwords.</p>
<p>The application <code>${client.id}</code> wants to act for you.</p>
${remark}
<form method="post" action="${action}">
<input type="hidden" name="form_token" value="${formToken.text}">
<fieldset>
<legend>Who are you?</legend>
${users.map(choice)}
</fieldset>
<p class="legend" id="scopes">It will be allowed to use</p>
<ul aria-labelledby="scopes">
${scopes.map((scope) => html`<li><code>${scope}</code></li>\n`)}</ul>
<div class="actions">
<button name="decision" value="deny">Deny</button>
<button name="decision" value="allow" class="primary">Allow</button>
</div>
</form>`,
  })
}

function choice({ id, name, email }: User, index: number): Markup {
  const checked = index === 0 ? ' checked' : ''
  return html`<label class="choice"><input type="radio" name="user" value="${id}"${checked}>
<span>${name} <span>${email}</span></span></label>
`
}

/** The decision of a consent page. */
interface Decision {
  readonly formToken: string | undefined
  readonly allowed: boolean
  readonly user: string | undefined
}

export function readDecision(body: Buffer): Decision {
  const form = new URLSearchParams(body.toString('utf8'))
  return {
    formToken: form.get('form_token') ?? undefined,
    allowed: form.get('decision') === 'allow',
    user: form.get('user') ?? undefined,
  }
}
