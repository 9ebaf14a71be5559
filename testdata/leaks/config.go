package config

var oauth = &oauth2.Config{
	ClientID:     "Iv1.<<hex:16>>",
	ClientSecret: "<<hex:40>>",
	Endpoint:     github.Endpoint,
}

const token = "gh<<>>p_<<github:30>>"
