// A certified OpenID provider for the tests, with all that FAPI asks for: pushed authorization requests, signed request objects, signed
// responses, and tokens that are bound to the certificates of clients. Whoever asks is logged in by any name and password.
import * as http from 'node:http';
import * as https from 'node:https';
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import Provider from 'oidc-provider';

const options = JSON.parse(process.env.PROVIDER); // issuer, resource, clients, cert, key, fapi

// What a client shows that has a certificate, which nobody has to have signed.
const certificate = (ctx) => {
  const raw = ctx.socket.getPeerCertificate?.()?.raw;
  return raw ? new X509Certificate(raw) : undefined;
};

const provider = new Provider(options.issuer, {
  clients: options.clients,
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth', 'none'],
  claims: { openid: ['sub'], email: ['email'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com` }) }),
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  issueRefreshToken: () => true,
  ttl: { AccessToken: () => options.accessTokenTTL ?? 3600, IdToken: 3600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 3600 },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    requestObjects: { enabled: true },
    jwtResponseModes: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: certificate,
      certificateAuthorized: (ctx) => certificate(ctx) !== undefined,
      certificateSubjectMatches: (ctx, property, expected) => property === 'tls_client_auth_subject_dn' && certificate(ctx).subject === expected,
    },
    fapi: options.fapi ? { enabled: true, profile: options.fapi } : { enabled: false },
    // Access tokens for the gateway itself are JWTs that it can validate.
    resourceIndicators: {
      enabled: true,
      defaultResource: () => options.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'openid email offline_access', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
    },
  },
  loadExistingGrant: async (ctx) => { // nobody is asked whether he agrees
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid email offline_access');
    grant.addResourceScope(options.resource, 'openid email offline_access');
    await grant.save();
    return grant;
  },
});
provider.on('server_error', (ctx, err) => console.error('server_error', err));
for (const event of ['authorization.error', 'grant.error', 'pushed_authorization_request.error', 'userinfo.error']) {
  provider.on(event, (ctx, err) => console.error(event, err.error, err.error_description, err.error_detail ?? ''));
}

const { hostname, port, protocol } = new URL(options.issuer);
const server = protocol === 'https:'
  ? https.createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key), requestCert: true, rejectUnauthorized: false }, provider.callback())
  : http.createServer(provider.callback());
server.listen(port, hostname);
