class Auth {
    private static final String CLIENT_ID = "shop";
    private static final String CLIENT_SECRET = "<<base64url:43>>";
    private static final String REFRESH_TOKEN = "<<base64url:64>>";
}
