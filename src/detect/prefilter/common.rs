//! The four-letter sequences that stand most often in source code and prose, which make poor windows. A flat catalogue.

use super::window::{WIDTH, folded, hash};

/// Sequences of which each makes up more than one in fourteen thousand of all; ascending, one behind the other. The case of letters is left
/// out of them, as the filters leave it out: `*` also stands for the end of a line, and `)` for a tab.
#[expect(clippy::needless_raw_string_hashes, reason = "rows with quotation marks look like all others")]
const COMMONEST: &[&[u8]] = &[
    br#"       "   $   '   (   )   *   -   .   /   0   <   a   b   c   d   e   f   i   l   m   n   o   p   r   s   t"#,
    br#"   u   v   w   {   }  ""  "a  "c  "d  "e  "i  "l  "m  "n  "p  "r  "s  "t  *   -   //  0x  </  <c  <s  as  co"#,
    br#"  de  el  fo  if  in  le  my  pa  pr  pu  re  se  st  th  va  {*  }   }*  }, !=  """ "aw "co "de "in "li "ma"#,
    br#" "mi "pa "pr "re "st "th "ty $se &&  *   * ` **  */* ->  /*  //  /// />* 0,  0x0 :=  <co = " = $ = 0 = 1 = c"#,
    br#" = f = n = r = s = t = { ==  === =>  a c a p a s acc act add all an  and any app are arg as  ass at  att aut"#,
    br#" bac bas be  blo boo buf but by  cal can cas cha che cla clo cod col com con cop cor cra cre cty cur dat dec"#,
    br#" def dep des dia dir dis doc els enc end err eve exa exp ext fal fil fn  fol for fro fun gen get han has hav"#,
    br#" hea hre htt if  imp in  inc ind inf ins int is  it  ite key len let lin lis loc map mat may met mod mus my "#,
    br#" nam new nil no  nod non not nul num obj of  on  one onl ope opt or  oss oth out pac par pas pat per pla pos"#,
    br#" pre pri pro pub rea ref reg rel rem rep req res ret run sec see sel ser set sho sig siz sk_ som sou spe sta"#,
    br#" str sub sup sys tar tes tha the thi thr tim to  tra tru typ u32 und uni uns use usi val var ver we  whe whi"#,
    br#" wil win wit wor wri xml you {*  {*) ||  }*  }** }*} },*!!!!" cl"""*");*"*  ", "",* ",*)"/>*": "": f": {"><c"#,
    br#""app"aws"des"git"htt"max"nav"pro"str"the"typ"}* $ref$sel'),*');*'*  ', '',* () {()* ();*(*  (con(htt(oss(sel"#,
    br#"(sk))   ) ->) =>) {*)))")))))))*)))c)))t)))}))* ))*)))//));*))if))re))t.))}*))},)*  )*)))*)})** )**)),* ),*)"#,
    br#")// ):* );* );*));**)if )ret)}*))}**)},**   *  "*  **  /*  <*  c*  i*  r*  }* "a* * *)  *)))*))i*))r*))}*)//"#,
    br#"*)if*)re*)}***  ** ***))*** ******/***//**fu**th*/* */***// *///*<li*con*fun*imp*pub*sub*the*use*var*}**, 0x"#,
    br#", an, co, er, in, re, st, th,*  ,* ",*))----. th.",*.*  .* *.** .000.002.com.con.err.get.htm.org.str.val/ th"#,
    br#"/*  // a// c// i// s// t/// ///*//gi/>* /a></cod/com/def/doc/git/li>/nod/pro/spa0, 00,* 0.0000000x002 = 2;*p"#,
    br#"32 =509_:   : "a: "s: "t: c_: fa: tr: u3: {*:*  ://g::co:lan;*  ;** ;*pu;*}*</a></co</li</p></sp<a h<cod<com"#,
    br#"<li><spa= ni= re="ht="na=== ====> {*>*  >*</>*<l></a></l></t><a ><co_cer_che_cmp_com_con_err_fil_get_int_key"#,
    br#"_nam_pro_res_set_sk__sta_str_sys_typ_val_vera hra></ableacceace acheack ackaackeactiadd addiaddraderaforage "#,
    br#"agesagnoags ags.alidalizall allballealloallyalsealueame ame"ame,ame:ame=amesametamplan can eanceand andlang="#,
    br#"angeant any appeapplap{sar *aramarchare argeargoargsarguariaarraarseartias aase asn1ass ass=asseasynat tata "#,
    br#"atalatchate ate"ate.ate:ate_atedatesath aticatinatioatoratteattraturatusaultauseauthautoave aws:b cob.coback"#,
    br#"basebilibindbjecble blesblicblocbodyboolbuffbuilbut butebytec = cachcallcan cargcasecatecaticcescensceptcert"#,
    br#"cesschancharchecchemcifick_ockagckencketclascliecloscludcmp_codecodicolocom/commcompcondconfconnconscontcopy"#,
    br#"corecorpcouncratcreacripcrypctedctioctivctorcty.cumecurrd = d byd fod ind thd tod wid": d*  datadatedditddre"#,
    br#"ddrsde> de><debudecoded def defadefideledencdentdepeder dersdescdestdiagdiffdingdiredispdistditidoc docsdocu"#,
    br#"doesdowsdresdulee = e a e ane are cae cle coe dee exe fie foe ine ise lie mae noe ofe pae pre ree see ske st"#,
    br#"e the toe use vae wie {*e",*e": e(ske*  e,* e,*)e:* e;* e></eachead eadeeaseeateeatuebugecifeck_econect ect""#,
    br#"ect.ecteectiectoecured aed bed fed ied oed ted wed, ed.*ed: ef":ef="efaueferefinefixeforegiselecelemeletelf)"#,
    br#"elf,elf-elf.elseemenemovemplempten tenabenamenceencoend end(endeendienerengtenseensienssent ent"ent.ent>ent_"#,
    br#"entaenteentientrentsenumepenepreequaequeequier aer ier oer ter, er: er::eraleratere ereneriaermiernaerr erra"#,
    br#"erroers ers.ersiert ert_ertiertyervees =es aes tes":es, es: escreseresouespoess essaessiest est_estaestiestr"#,
    br#"estsesuleterethoetteeturevaleveleveneverexamexceexecexisexpeexpoexprext extef thf": f="hfailfalsfaulfeatfere"#,
    br#"fferfiedfielfierfigufilefindfinefinifirsflagfor foreformfounfreefromfuncg = g thg"* ge",geneget get_ght gist"#,
    br#"githglobgnedgnosgrapgrougth"gumegurah thh": handhanghar has hashhat havehe `he ahe che dhe ehe fhe ihe lhe m"#,
    br#"he nhe ohe phe rhe she theadheckhemahen her herehichhifthinghis his.hosthoulhrefhtmlhttphub.i>*<i><aiabliagn"#,
    br#"iagsialiibleibuticalicaticenich idatidenideried ieldienties ies"if (if tificifieightignaigneigurile ilesilit"#,
    br#"ill imitimplimpoin ain tinalinclindeindiindoine inedinesinfoing ing"ing(ing*ing,ing.ing_ingsing}initinpuinst"#,
    br#"int inteintoinvaion ion"ion(ion*ion,ion.ion/ion:ion_ionaionsiptiire(ireciredirstis ais cis fis iis nis sis t"#,
    br#"issiist isteistritemiterith ithuitioitleits ity ivative ize jectjsonk_tykagekendkey keyskingknowkspal bel {*"#,
    br#"l:lal_chl_sklacelagslanglarglasslastlatelatilbacle ile tle, leanleaslectled lemelengles lesslet letelettleve"#,
    br#"lf, lf->lf._li>*li><libxlicalicelicylidalienlimilinelinglinklistlitylizell bll nllballowlly loadlocalocklong"#,
    br#"lse lse,lterludelue luesmainmakemandmap{markmatcmatimbermbolme =me":me, me: me="mentmessmetametemethmissml" "#,
    br#"ml:lmmanmmenmmitmodemodumoremovemplamplempormpremptymultmustmut my $n = n a n ben cln con inn ofn ren sen th"#,
    br#"n",*n": n't n*  nablnal namence ncluncodnctind tndefndennderndexndinndlendowne snectned neednentneranew next"#,
    br#"nfigng ang cng tng"*ng="nge ngthnil ningnitinly nnecnodenonenostnot nownnputns":nsionsslnst nstanstrnt =nt t"#,
    br#"nt xnt>*ntaintatntegntennterntexntifntinntrynts nullnumbnvalo beo thobjeoc =ocalocatocesock ockeocumode ode."#,
    br#"ode>odinodulof aof tograoid ointokenolicolorommaommeommiompaompoompron =on aon fon ion oon ton":on, on: onal"#,
    br#"one onenonfiong onlyonneons ons"ons.ons/onseonstontaonteontropenoperoptioptsor aor ior tordeore ore:org/orks"#,
    br#"ormaort orteortsositosslostiotheouldoundountour ourcout outpoverovidpacepackpan pan>parapareparspartpasspath"#,
    br#"pattpdatpe":pe(specipectpendpensperapermpertpingplacplanplatplemplicpoinpoliponsportposippenpplipporprecpref"#,
    br#"presprinprocpropprotprovps:/ptiopub publpushput p{stqualquesquirr = r inr thr tor": r*  ractraforam ramerang"#,
    br#"ransraphrateratiratorce rce"rderre ire tre::readreamreatrecorectred ref"ref=referefiregiremorencrentreplrepo"#,
    br#"reprrequres reseresorespressresureturge"rgetrgumriabrialriburiesrighringrintriptriterityrmatrnalrns rocerom "#,
    br#"rootroperor ror(rorsrotorounrouprovirrafrrayrrenrrorrsiortedrtieructrue,rustrverrypts = s a s ans ars cos fo"#,
    br#"s ins iss nos ofs res ths tos wis",*s": s*  s.**s.hts://s::cs="hs="nsafesagescalschescrise ise sse tse,*sect"#,
    br#"sed see seleselfsentserisertservses set set_sforshifshousignsingsionsitisizesk_tsl_csl_ssn1_somesourspacspan"#,
    br#"specsponss="ssagsserssiossl_st bst cst ost sstacstalstanstarstatstemstersticstinstorstrestristrustylsub sult"#,
    br#"suppsymbsyncsystt = t ant bet cht cot fot int ist oft ret set stt tht tot wit xmt {*t",*t": t*  t>* tabltack"#,
    br#"tagstailtaintalltanctargtarttatetatitatutch te tte::ted tem temptemstentter teratermternterrterstes testtext"#,
    br#"th tth":thatthe the*thentherthinthisthodthrethrothubtialticaticstiestifitimetingtiontitltivetml"to ato bto c"#,
    br#"to sto ttoketor toretorytps:tputtractrantreatribtrictrintructruetterttpsttritureturntyletypeu32 ub cub.cubli"#,
    br#"uct uestuffeuilduintuireuld ule ulesult ultiultsumbeumenunc unctundeupdauppouraturceure uresurn urnsurreuse "#,
    br#"useduserusinust utilutpuval(valivaluvar varivateven ventver veriversvicevidevoidwantwarnwhenwhicwillwindwith"#,
    br#"wordworkwrapwritws::x509xampxcepxistxlarxml:xpecxporxsltxtenxtery thy": ymboyou ype ype"ype(ypesysteytes{*  "#,
    br#"{*)){doc{str} = }(ht});*}*  }*))}** }**)}**/}*}*},* },*)};* };**~~~~"#,
];

/// Those that make up less, but more than one in fifty thousand.
#[expect(clippy::needless_raw_string_hashes, reason = "rows with quotation marks look like all others")]
const COMMON: &[&[u8]] = &[
    br#"   &   1   2   :   ;   =   >   _   `   g   h   k   x   |  "$  "/  "b  "f  "g  "h  "k  "o  "u  "v  $c  $s  ('"#,
    br#"  (0  (r  )   )*  );  **  */  --  ..  /*  :   ;   <d  <l  =   =>  >>  __  a   ad  al  an  ar  ba  bo  ca  ch"#,
    br#"  cl  ct  di  do  en  er  ex  fi  fn  fr  ge  it  li  lo  ma  me  mo  na  ne  no  op  po  ra  so  su  ta  te"#,
    br#"  to  tr  ty  un  us  wh  wi  {   |   |*  })  }; !== "", ""} "$r "/p "ac "ad "al "ap "ar "ba "cl "cr "da "en"#,
    br#" "ex "fo "ge "gi "ha "ht "ia "id "it "ke "lo "me "ml "mo "na "ne "no "ob "ou "pe "se "so "sy "ta "te "un "us"#,
    br#" "va "wa "wi $_{ $co $re %s" %}* &&* &mu 'm' ((s ()  (*  (0x (co (er (in (re (st (th ) - ) { )*  )** );* * a"#,
    br#" * c * d * f * i * s * t *)o *co *ct *mu *te + 1 +=  - 1 - ` ... / 2 /** 0)  0,* 0;* 0x1 0x2 0x4 0x8 0xf 1, "#,
    br#" 1,* 100 1;* 2,  200 201 202 3,  : * ; { <<  <a  <li <sp <sy = ' = ( = 2 = 3 = 4 = _ = ` = a = b = d = e = g"#,
    br#" = i = l = m = o = p = u = v =~  >=  >>> _ _ _,  __i __n __u `_; ``` `pa `pr `re `se `st a ` a b a d a f a g"#,
    br#" a l a m a n a r a t a v a w abo aft alg ali alr als alt alw api arr asn asy ava awa aws be* bec bee bef beh"#,
    br#" bei bel bet bin bio bit bod bor bot bra bre bui byt c_i c_l cac cap car cat cau cer chi cle cli cou cry ctx"#,
    br#" cus de  deb del der det dev dic dif do  doe don dur eac edi eit ele emp ena ent enu env eq  equ eva evp exc"#,
    br#" exe exi fai fea fie fin fir fix fla flo fmt fon foo fou fra fre ful fut git giv glo got gra gro hcl hel her"#,
    br#" hos how id  id= ide ign in* ini inp inv is* is_ isi iss it' its jso jus kno lan las lat lea lev lib lic lik"#,
    br#" lim lit llv loa log lon loo mac mai mak man mar max mea mem mer mes mig min mis mor mov mul mut nee net nex"#,
    br#" nor now of* off ok( old or* ord ori os. ove own pad plu poi pol por ptr pus que rai ran raw rec red ren rev"#,
    br#" rig roo rou rul rus sam sca sch sco scr sea sen seq sha shi sim sin sma so  soc sof spa src ssl std sto sty"#,
    br#" suc sym syn tab tag tak tem ter tex tfd tho to* tok too tre tri try two uin unl up  upd url utf uti vec vis"#,
    br#" voi wan war was way we' wha wid wou wra x50 zer { " { r {.2 {}* {}s |*  } = } e })* }); },  };*!= n!== " "s"#,
    br#"" />" gr" hr" id" nu" {*""* ""**"",*""}*"$re")* ")*)"),*")}*"* }"*)""*))"** ", e", s"../"/pr":  ": 0": 1": 2"#,
    br#"": c": t":_3":{"";* ">* ">*<"></"><a"><i">co">do">xs"add"arr"com"con"cre"def"err"exp"fil"foo"for"hlj"htm"ian"#,
    br#""id""inp"ins"int"ite"key"lib"lin"lis"min"ml."mod"nam"nex"obj"opt"out"pat"per"pre"rea"req"res"sec"sou"sta"sys"#,
    br#""tag"ter"tes"use"val"win"},""},*$",*$_{0$acc$cla$cod$fil$inp$key$out$thi%s",%xmm&mov&mut&sel'   ' =>') {')* "#,
    br#"',*''../';* 'm',($se(&mu(&se('..((st() =())*());()*)()**(), (),*()` (*))(0, (0x1(add(arg(ctx(cty(def(err(exp"#,
    br#"(fea(fil(fun(int(key(map(nam(obj(opt(pat(pro(ptr(req(res(sk,(sta(str(t *(t, (tar(thi(typ(val(voi(x50) &&) (("#,
    br#") * ) + ) = ) ==) co) op) re) { ) ||)"gi)%xm)&mo))  )) {))) )))/)))`)))a)))d)))e)))f)))i)))m)))n)))p)))r)))s"#,
    br#")))v))){))**)),*))/*))co))ct))de))di))ex))is))lo))na))pr))st))ty))va)){*))}))*)i)***)*- )*}*), (), o).* ).**"#,
    br#")/* );*/);*i);*v);*})</c)<is)add)cas)com)con)cty)def)dia)exp)for)git)iso)mov)nam)ope)pro)res)sta)t.f)tes)typ"#,
    br#")var){*))})*)}),)}* )}*p)}*}*  -*  a*  b*  d*  e*  f*  l*  m*  p*  s*  t*  u*  v*  {* *** */* `p* ad* co* de"#,
    br#"* re* th* },*)"g*)&m*)) *))"*))/*))a*))c*))d*))n*))p*))s*))t*)){*)<i*)ad*)co*)de*)fo*)mo*)op*)st*)va** `**)/"#,
    br#"**)i**)r***c***d**- **=h**=i**``**cl**co**de**ex**if**im**in**pa**re**su**us**va*/*)*/*e*//!*//**119*120*126"#,
    br#"*</d*</u*<a *<di*<p>*<ul*===*=he*=it*```*cla*ctx*def*exp*ext*for*fro*if *int*mod*mut*nam*pac*pro*sta*str*tes"#,
    br#"*thi*typ*voi*{* *};*,   , "s, $c, $t, 'm, 0,, 1,, 20, ar, as, bu, ca, cl, de, di, do, en, ex, fi, fo, fu, go"#,
    br#", if, it, ke, le, li, ma, na, ni, no, nu, op, or, os, pa, pr, pt, se, si, so, su, ta, te, to, tr, ty, un, us"#,
    br#", va, we, wh, yo, { ,"ap,*)",*)},** ,*pu,*}*,0,0,`x{-*  ---*-->*-9}{-> b-> r-> s-col-com-con-for-key-lin-pro"#,
    br#"-str-typ-xsl-z0--za-.  i.  t. */. if.*)).***.**=.**t.*//.*fu.0* .0.0.16b.</p.add.app.ass.cal.clo.def.dia.end"#,
    br#".exp.fat.fil.for.git.has.ins.int.io/.is_.ite.joi.js .jso.key.len.loc.log.map.mod.nam.new.obj.ope.par.pat.pla"#,
    br#".pro.pus.rea.rep.res.run.set.spl.sta.t) .tes.typ.unw.ver.wri/   / 20/ co/ de/ if/ in/ no/ re/ se/* c/** /***"#,
    br#"/**//*///*ex//  // `// b// d// e// f// h// l// m// n// o// p// r// u// v// w//! //* //*///////do//ww/>*)/>*<"#,
    br#"/a> /a>*/api/con/dev/div/dt>/has/int/iss/lat/lib/ope/p>*/pre/pul/rus/sta/td>/ter/tr>/ul>/vnd/web/www0",*0);*"#,
    br#"0*  0,  0,0,0,0x0-9}00, 00.0000.00020020002}00|x020.02} 09_s09_v0;* 0;*p0fbq0x100xff0|x01",*1);*1*  1, 01,* "#,
    br#"1.0.12651;* 1;*p1b|x2",*2);*2*  2,* 20.020142xla32,*32;*39_24",*4,* 4;*p6,* 639_64,*6;*p8,* 8;*p9_st: "": "1"#,
    br#": "b: "c: "d: "e: "f: "h: "i: "m: "n: "o: "p: "r: "~: %s: *m: 0,: 1,: __: ad: bo: co: cr: ct: ht: in: ma: no"#,
    br#": nu: pr: re: se: st: th: {}:*)):** ://d://w::ap::c_::cl::de::ec::er::fo::fr::in::li::ne::pa::re::se::st::su"#,
    br#"::wi:= c:= m:= r:= s:= t:_3,:com:con:cor:des:ec2:err:fro:get:lin:lis:new:par:pro:res:win;   ; {.; }*;*) ;*)&"#,
    br#";*));*)};**);**/;*//;*co;*ex;*in;*us;*va<!--</di</dt</pr</td</tr</ul<br <br><div<iso<pre<sys<td><tr><ul>= """#,
    br#"= "w= 0 = 0;= 0x= 10= 1;= `_= co= de= di= ex= fa= fu= ge= in= ma= ne= no= nu= pa= pr= ra= se= sh= st= te= th"#,
    br#"= tr= un= {*= {}="0"="co="de="hl="li="op="pr="st="te=** == "== '== 0== n==**===*=> '=> {=hea=ite> re> se>*)<"#,
    br#">**<>*<a>*<d>*<h>*<p>*<t>*<u>,* ></d></s><br><li><p>><sp><td><tr>>> >the>xsl_ _ _(se_3,"_639_;* __(s__in__nr"#,
    br#"__u3_acc_add_all_arc_arg_asn_att_bas_bin_bit_blo_byt_cal_cha_cla_cod_col_cop_cou_cre_ctr_ctx_dat_dec_def_del"#,
    br#"_dep_des_dir_dis_enc_end_ent_eq!_exp_ext_fin_fla_for_fre_fro_fun_gen_has_hea_id__imp_ind_inf_ini_ins_is__ite"#,
    br#"_len_lib_lin_lis_loc_lon_loo_map_mat_max_met_mod_msg_mul_new_no__not_nr__num_obj_ocs_of(_off_oid_ope_opt_oss"#,
    br#"_out_pac_par_pat_pol_pre_pri_ptr_rea_rec_ref_reg_req_sec_sha_sig_siz_sto_sub_tab_tar_tes_tim_to__tok_tra_ty_"#,
    br#"_u32_u64_uns_use_wit_wri_x50_{0}` an` in` is` to`*  `, ``,*)`.* `.**`_;*``* ``**```*`````par`pro`ret`}(ha = "#,
    br#"a cla coa dea dia fia lia naa nea paa pra rea sea sia sta vaa",*a*  a-z0a-zaa.ora</ca><babasabelabilaborabou"#,
    br#"abovacciaccoace(ace_acesach achiacinack_ackgacksacroact acteactoactuad oad1 adabadatadd)add_addeadinady afe "#,
    br#"afteage"age-age.age_agedagemagenageragicagreags"ags)ags:ail ailaaileailsailuain ain.aineainiainsaintaiseait "#,
    br#"ake ake_akerakesal =al cal ial lal pal sal tal("al(cal(mal(sal, al: alaralenalf(algoaliaaligalinall(all_alla"#,
    br#"alliallsalphalpralreals.alsoaluaalwaam {amazambdame(ame)ame*ame.ame_amedame}amicamilan aan ban ian oan san u"#,
    br#"an::an> an><ana"anaganchand*and:and_andaandoandsanguanicanneannoans ansfansianslanspanteantiantsanuaap()apac"#,
    br#"api api/apitappiapprapshar iar taracaratard ardsare_aredarenargiariearkearksarn"arniarsiart artsary as bas c"#,
    br#"as ias nas pas tascrase.asedasesash asheashiasicasm_asonass:assiassoassuasswast ast_asteat aat cat iat oat s"#,
    br#"at wata)ata,ata.ata:ata_atabatasate(ate)ate*ate,ate-ateeategatelatematepateratetatewatfoath"ath(ath)ath,ath."#,
    br#"ath:athsatibativatomatriattaaudiavaiaveravioawaiaws-aximaxleay bayloays azonb fnb stb tyb, $bar"basibe abe c"#,
    br#"be ibe pbe rbe sbe ubecabeenbefobegibehabeinbelobencber ber=bersbetwbinabio_bit bitsble"ble(ble*ble,ble.ble:"#,
    br#"ble_bledblisbolsbordbortbothbounboutbovebr /br>*branbrarbreabstrbuckbug bug,butibuttbxslby aby dby tb|x1c te"#,
    br#"c",*c*  c2::c_inc_loc_tycagical calacalecanccanncapacapecapicardcastcausccepccioccouce =ce ace cce ice oce t"#,
    br#"ce wce",ce":ce, ce: ced ceinceivcellcentces ces.cestcfg(ch =ch ach cch ich tchaiche chedchercheschilchinchun"#,
    br#"cialciatciescifycingciphcityck tck_cck_sck_xckedckerckgrckincks clarcleacloncloucluscmakcmp)cms_collcolucomb"#,
    br#"concconvcopecordcorrcoulcovecpancredcretcribcrmfcroscsp_ct act ict sct tct {ct"*ct, cterctlyctrlcts ctuactur"#,
    br#"ctvactx ctx)ctx,ctx.ctx_ctypculacuricurscustcutecuticycld   d a d ald and asd bed cad chd cod ded exd fid fr"#,
    br#"d had isd lid lod mad nod ofd ond pad prd red sed std und usd vad whd {*d"* d", d",*d) {d);*d, ad, td,* d.* "#,
    br#"d.**d: ud;* d</cd>*<d></d_cod_prd_redabldaccdarddatidatodd><ddedddenddinde <de =de ade cde ide tde, de.jde: "#,
    br#"de="de>ndecidecldeepdefedejsdelideogdeprdepsdeptder"der(der,der-der.der:der_dercderederiderrdes detadetedeve"#,
    br#"devidex dex.dfordgendicadictdif*difidigidir dir(disadiscdiv div>dkeydle dlerdlindo ndokudomadon'donedoubdout"#,
    br#"downdpoidqufdrawdropdrs.ds ads tdstadth=duceductdynae   e !=e : e :=e <ce ==e __e ``e abe ace ade ale ape as"#,
    br#"e ate bae bee bie boe bue bye che cre cue dae die doe ene ere fee fre fue gee gie hae hee ide ife ime ite ke"#,
    br#"e lae lee loe mee moe nae nee nue obe one ope ore oue pee ple poe rue sae sce she sie soe spe sue sye tae te"#,
    br#"e tie tre tye une vee wae wee whe woe"* e", e"><e', e('.e() e())e()*e();e(coe(dee(ose(pte(see) {e)* e)*)e)**"#,
    br#"e),*e):*e);*e* *e*))e** e*//e, ae, ce, ee, fe, ie, ne, oe, pe, se, te-tye.  e. te.",e.* e.**e.coe.exe.g.e.js"#,
    br#"e:  e: "e: ce: se: te: ue::ce::pe::se;**e</ae</ce="ae="se_coe_dee_fie_ine_nae_pae_ree_see_ste_t e_tyead.ead1"#,
    br#"ead_eadaeaddeadieadseadyeam eam.eamsearceasoeastec2:ecatecaueceiechaeciaecipeck eckeeckseclaecodecomecorecre"#,
    br#"ect(ect,ect:ect_ectlectsectvecuted $ed =ed ced ded eed led med ped red sed ued ved",ed":ed) ed* ed. edateded"#,
    br#"edefedenedgeediaedireditedreedulee teed eedeeefueen eerref _ef sefilefulefunegacegategeregexeginegioegraehav"#,
    br#"eigheinfeingeinseiteeitheiveejs/ekeyelateld eldseleaelf elf:elifelineliselloelopelpeely em" ema ema.emaiemap"#,
    br#"embeemitemodemoremotems"en aen cen ien sen",en":en, en_tenbqenchenciencrencyend_endoendpendsengiensuent(ent)"#,
    br#"ent*ent,ent-ent:entcentlenvieobjeof eof(eogreor)eouteparepateplaeporeposepr(eproeps:ept eptheptieq!(er =er b"#,
    br#"er cer der eer fer mer per rer ser ver wer {er"*er",er":er">er()er) er* er,*er. er.*er.mer;*er</er="er_cer_o"#,
    br#"er_per_serabercoerdaerdeere*erederefereqereserfaerfoergeericeriferineriteriverl ern ern"erneerprerr(err)err_"#,
    br#"erreerriers"ers*ers,ers:erseert(erteertrertservaervierwiery es bes ces fes ies mes nes oes ses wes"*es",es()"#,
    br#"es) es* es**es. es.*es.hes:*es::es</escaese esenesetesheesn'esolespaess"ess(ess.ess:ess_esseest"est(est)est*"#,
    br#"est,est-est.est:estcesteestoest}et =et aet iet met oet set tet":et, et: et_aet_cet_petadetaietatetchete etec"#,
    br#"etedetesetheetimetpretreetriets ettietupetweetwoetypevicevioevp_ewayexacexclexerexitexpaexplext(ext)ext,ext-"#,
    br#"ext.ext/ext_extrexttey":ey, eys eywoe{*)e}* f (!f ($f (sf (tf = f __f a f anf cof def erf inf itf lef nof re"#,
    br#"f sef stf tef yof {*f("ef) -f):*f*  f, 0f->{facefactfallfastfatafdiafectfer fer.ferrfetcff, ffecfffffficffix"#,
    br#"ffsefg(ffic ficaficifig fig"fig.fig_figsfillfiltfinafix fixeflatfloaflowfmt.fn sfndefoldfollfontfoo"for*forc"#,
    br#"forwframfresfsetft;*fterftwafullfutug a g ang cog fog ing isg reg tog wig",*g": g(feg*  g, cg,* g.t)g="eg="f"#,
    br#"g="hg="ig="pg="sgacygaingategatige ige tge, ge: ged gen_gentger ges gestget"get(getagetpgetsgettggergginght:"#,
    br#"gicagin ginagineginggiongit git_givegle glibgmengn="gnalgnatgnorgorigot gradgramgrangratgreegresgs :gs =gs":"#,
    br#"gs)*gs, gs.ags.dgs: gschgth guagguarguidguregvalg}cth = h a h anh ish toh*  hainhan hannharahareharshasehavi"#,
    br#"hcl.he "he <he bhe ghe hhe uhe vhe whe* hed heduheetheirhellhelphemehentherwhes hesehethhey hicohighhildhile"#,
    br#"hin hinehis*his{hitehljshod hodsholdhookhorihorthosehouthow hreahreshrouhrowht: hunki = i32;i><lial ialsiana"#,
    br#"iantiateiatiibilibraibxsicagice ice(ice_icesicitickeicodiconicorics icy id *id =id",id":id, id: id="id_sidde"#,
    br#"ide idedideoidesidthidx)ier ier"ier:ies.ies/if !if $if aif cif dif eif iif lif nif rif sif yif**iff iffeifnd"#,
    br#"ift(ift;ify ify(ify_iggeiginigitign ign=ignoigscike il {il, ilabild ild_ildeile"ile(ile,ile.ile:ile_iledilen"#,
    br#"ilerilinillailliils ils.ilteilurimagimalimarime ime-ime.ime_imenimeoimerimesimizimumin cin oin pin rin sin32"#,
    br#"in: inarinatinceincoind ind_indgine_inering'ing)ing-ing:ing=ingiinglingving{iniminininisink ink!inleinliinne"#,
    br#"ins inseinsiinspint(int)int,int3int8int_intfintrintsinueinuxinvoio::ion'ion)ion-ion<ion=ion>ioncioneioniionr"#,
    br#"iontion}ioriiousipheipleipt iptoiptsiqueire iresironirtuis bis dis eis lis mis ois pis ris uis wis* isabisco"#,
    br#"ise isheisinisioisitiso_isplissuist"ist(ist.ist_istaistiistoistsit ait cit dit iit sit tit wit'sit__itabital"#,
    br#"itchite ite(ite_iteditesith_itheithiithmithoitiaitieitinitivitoritteity_iv civ>*ive(ive.ive_iveniverixedizat"#,
    br#"ize(ize)ize:ize_izedizerjavajoinjs/njustk = k cok!("k), k, pk_cok_ofk_osk_x5kcs1ked keepken ken"kensker kern"#,
    br#"key"key)key,key_keywkgrokindkumekwarl = l col fol inl lel nal nol rel stl thl tol" cl",*l": l(mal);*l*  l,* "#,
    br#"l/lil</cl>*<l_cml_crl_del_inlabelabllag lag_lainlamblannlanslar larelatflconld bld nlderlds le (le =le ale b"#,
    br#"le cle dle ele fle ole ple sle wle",le":le* le. le.*le.cle.ele: le::le</le="learleftlegalen len(len)lenalenb"#,
    br#"lepaler lersles*les.les/leshlestlexelf {lf("lf) lf):lf.alf.clf.slf::lgorliaslib_libclibrlic licilid liedligh"#,
    br#"lignlikelintlinulishlit(litelivelizaljs-ll all cll ill lll oll rll sll tll" ll()ll* ll, ll,*llablleclledller"#,
    br#"llinllocllvmloatlobalog logglogilonelooklooplopelor:loseloudlow lowelowilowslperlphalprolreals.hlse)lse*lse:"#,
    br#"lso lt =lt, lt-xlt: ltinltiplts ltstluatlue"lue(lue)lue*lue,lue.lue:lue{lugilumnlurelustlwayly aly bly cly i"#,
    br#"ly oly sly tly, m = m com inm thm": m', m/ham/inm/nom_bimachmacrmagemailmalimallmanamancmanimanumap map(mapp"#,
    br#"margmarymaskmat mathmatrmattmax_maximaxlmay mazombdambinme ame ime ome tme",me)*me,*me-tmeanmed medimembmemo"#,
    br#"meoumeramergmerimes mespmestmetrmimeminamingminiminlmisemit mit/mit_mitemittmizeml">ml/lmmarmmonmockmodimory"#,
    br#"mostmotemov)movdmp_cmparmpatmpilmpl mplimponmpromputms":my (n   n aln ann arn asn can den din don enn ern ex"#,
    br#"n fan fin fon gen isn itn man nen nin non obn onn opn orn pan prn smn stn ten ton trn unn usn van whn win {*"#,
    br#"n"* n", n";*n() n);*n,* n.* n.**n/vnn32_n;* n</cn>* n></n_tynagenal/nallnalpnalsnaminapsnarynatenatinatunav-"#,
    br#"nbqunc (nc tnc_tncatnce(nce.ncesnciencomnconncrencryncurncy nd `nd and cnd dnd end fnd ind lnd mnd nnd ond p"#,
    br#"nd rnd snd wnd()nd* nd, nd: ndarndatndedndgendicndifnditndomndponds ne =ne ane bne cne dne ene ine one pne t"#,
    br#"ne xne* ne, ne,*ne:*ned(nel_ner nerines nessnestnetwnevenew(new_nexpnfo nfo_nforng =ng bng dng eng fng ing l"#,
    br#"ng mng ong png rng sng wng",ng">ng()ng) ng* ng, ng,*ng.*ng.tng: ng::ngedngerngesnginnglengs ngs.nguangvang}*"#,
    br#"ng}cniconil*nil,niqunishnit_nitenk!(nknonlennlesnlinnmennnednnelnnernninnnotnon-norenormnot_notanotenothnoti"#,
    br#"noutnow npm nprons =ns ans ins ons tns* ns, ns.*ns: nsafnse nse-nse.nsernsfonsidnsignsitnslansolnspenst_nste"#,
    br#"nsurnt ant cnt fnt int lnt ont pnt snt vnt wnt",nt":nt) nt* nt, nt,*nt.*nt32nt: nt::nt;*nt</ntalntaxntedntf("#,
    br#"ntianticntimntitntlynto ntrintronts"nts.nualnum num_numenvernvirnvoknwrao = o a o ano cho coo deo ino loo ma"#,
    br#"o noo pro reo seo sto uso*  o_63oad oadeobalociaock.ock_ocksocolocs.ocs/ocspode"ode(ode)ode*ode,ode-ode/ode:"#,
    br#"ode=ode_odedodejodeloderodesodifoducody oes oesnof `of cof eof iof oof pof soffsofiloftwoggeogreoid)oid_oin("#,
    br#"ojecokiookumokupold oldeole.oleaolleolloolumolutolveom 'om aom som tom/hom/nomaiomatombiome ome(ometomicomis"#,
    br#"ommoompiomplompuon (on bon con don eon mon non pon ron son won"*on",on">on'ton()on) on* on**on,*on. on.*on/v"#,
    br#"on::on</onceoncoondione(one)one*one,one:oneroninonmeonreons(ons)ons*ons,ons:onsionsoonsuont-ontionveookiooks"#,
    br#"ookuool ooleoolsoot opy opy,opyror (or =or _or `or bor cor dor eor for lor mor nor oor por ror sor uor wor {"#,
    br#"or("or('or) or))or* or, or,*or: or::oragorceord ord"ordsore.ore_oreaoredorf(orieorigorinoritorizork orkeorki"#,
    br#"orm orm.orm/ormeormsorp/orreors ors.ort(ort_ory ose osedossiost ostnostrot aot bot cot eot iot not sot, otat"#,
    br#"ote otecoth oticotifotocotototypou coubloudfoughoupsous out,out_outeovdqove ovedow now towedowerowinown owne"#,
    br#"ows ows_p = p": p/tep://p>*<p_cep_pkp_repachpacipaddpagepairpan:pandpanipatcpatipaylpe =pe(ppe, pe: pe="ped "#,
    br#"pedepeerpen penapeofper per(per.per:perfperiperlperspes pes:pha_pherpilepipepitapkcspkeyplaiplayple ple.ples"#,
    br#"pletplieplitplugplusply pollpolyponepoolposeposspostppedpperppinpplyppropre>preppretprevprimprioprivprobprod"#,
    br#"profprogprojpromproxps: ps="pshoptedptimpto_ptorptr ptr)ptr,pts pts.pty pullpurpput"put.put_puteputspxorpy, "#,
    br#"pyripythq0fbquenquerqueuqufdquotr !=r />r :=r a r anr car cor der dir exr fir for har isr mar mor nor ofr pa"#,
    br#"r prr rer ser str wir {*r"* r", r",*r()*r().r) {r))*r)* r)*)r);*r, sr,* r,*)r.* r.mor:* r::sr;* r</ar</cr><t"#,
    br#"r_inr_oirablracerackraderagerailrainraisraitral rallramsrancrandrantrap(rappraryraveray ray"rce.rce_rcecrcei"#,
    br#"rcesrch rchirconrdacrds re =re are cre dre ere fre nre ore pre rre sre wre('re* re, re.*re_creacreakrealreas"#,
    br#"recarecerecired"red_rederedireduree ree(reefreenref ref(refsregerelareleremaremerendrepares.reshrestret retr"#,
    br#"reverevirf("rfacrforrge rginrgo rgs rgs)rianriberictriderifyrigirimarimeriorrithritirivariverkerrkinrksprm/i"#,
    br#"rmalrmanrminrmisrn "rn $rn arn crn ern frn irn nrn orn prn rrn srn trn {rn"*rn":rnamrnedrnelrninrodurofirogr"#,
    br#"rojerolerollrom_romirongronmror)ror,ror:ror_rorfroterougroutroverow rowsroxyrp/trposrr !rr :rr)*rrecrredrres"#,
    br#"rridrrowrs =rs ars irs trs"*rs":rs()rs, rs.*rs: rse rse(rse_rsedrserrsesrsetrsinrsorrst rt (rt art crt frt i"#,
    br#"rt ort trt_ert_irterrtiarticrtifrtinrtiortrerts rts.rtuarty rue rue)rue*rulerun runnrunsruntrvalrvedrvicrwar"#,
    br#"rwisry iry try*)s :=s als aps ass bes cas des dis dos ens exs fis frs fus has ims its lis mas mes mos ons or"#,
    br#"s pas prs ses shs sos sts sus trs uns uss vas wes whs {*s"* s"*)s", s"><s() s) {s)* s)*)s)**s);*s* *s*))s** "#,
    br#"s*//s, as, is, ss, ts,* s.  s. ts.* s.aps.cos.des.dis.ges.has.ins.les.nes.ors.pas.res.ses.sts/nos: ms: ts: u"#,
    br#"s: {s:* s::as::ds::es;* s</as</cs="ls="ps="ss="ts_cos_ins_res_sysablsamesavescapscopse ase bse cse fse ose w"#,
    br#"se {se()se* se**se, se. se.*se:*se;*searsecosecrsecused.sendsenssepasequser ser_serrserssessset(set,setssett"#,
    br#"setusevesha2sharshedsheeshelshicshorshotshowsiblsidesimpsincsinssistsitesitosk) sk))sk),sk, sk_osk_psk_ssk_x"#,
    br#"skipslatslicslt-sltisltssmalsn'tsnapso tso_6socisocksoftsolesolusolvson sortsplasplisprisq0fss tss_cssedsses"#,
    br#"ssibssigssinssocssuessumsswost =st ast dst est fst ist lst mst nst pst rst tst ust vst xst {st":st) st* st, "#,
    br#"st: st::st_cst_sstabstamstd:stdestdosteastedstenstepstnastomstopstr str(str)str,strastrostrysts sualsubjsubs"#,
    br#"subtsuccsuchsuessuffsumesummsupesureswitsworsympsyntsys:sys_syscs{0}t   t (*t *tt :=t a t alt art ast aut bi"#,
    br#"t but cat clt det dit dot ent ext fit frt fut hat ift imt itt let lit lot mat met mot mut net not ont opt or"#,
    br#"t ost pat pot prt sht sit sot sut syt tet tyt unt ust vat wat wet wht wot x5t yot { t"* t", t', t's t() t()*"#,
    br#"t) {t)* t)*)t);*t, ct, it, ot, st, tt,* t-xst.* t.**t.cot.det.ert.fat.spt: ut:* t;* t;**t</ct_art_cot_det_eq"#,
    br#"t_idt_int_ket_mat_pat_ret_set_stt_tot_tyta, tabatabitachtadatagrtaketal talftamptandtanttasktatttch_tchetchi"#,
    br#"tcl_tcontd::td>*td><tdattdertdoute =te ate fte ite ote ste":te()te) te* te, te: te_steadtectted"ted(ted*ted,"#,
    br#"ted.ted:ted_tegetegrteletem"tem_tenctendtenetenster"ter(ter*ter,ter.ter:ter_tereterfteriterptes.tes:tewatf(""#,
    br#"tf-8tfditforth =th ath cth oth sth, th: th="thantheithemthestheythonthorthoutibitic ticetifytilstimitin tint"#,
    br#"tinutipltitytivatle tly tml/tmodtnamto `to dto eto fto gto hto ito mto oto pto rto uto wto* tocotokitomatomi"#,
    br#"tomltooltor"tor(tor.toratoritorstotytp:/tpartprotptrtr">tr) tr))tr, tr><traitrattreetrestrietrigtriptrixtrol"#,
    br#"troytrustry try*try.try:try_ts =ts ats fts its ots tts",ts":ts* ts, ts.*ts: tstattacttedttemttenttinttoktton"#,
    br#"ttp:ttr(ttrsttyptualtupltus tus_tvaltwartweetwo twortx *tx, ty ity oty.oty.sty.vty: u cau32)u32,u32;uageual "#,
    br#"ual(ualluateuatiub fub sub tubjeubleubstucceuch uckeuctiuctouctuude udfoudioue =ue iue tue":ue)*ue* ue, ue,*"#,
    br#"ue: ue;*uencueryues ueueue{*uffiugh uginuiltul>*ularulatule"ule.ull ull)ull,ull/ulonult(ult)ult,ult.ult:ult<"#,
    br#"ult_um":umerummaunc(unc)unc_und undaunexunicuniqunitunixunknunleunniunsaunsiunstunt unteuntiunwruoteuperuple"#,
    br#"uppeups=ure_uredurinuriturl urneurpoursousaguse_usesush ush(usizust-usteustout =ut aut cut fut iut out sut t"#,
    br#"ut wut":ut, ut_tutabute uteduterutesutf-utf8utheuthoutinutioutomuttouturv clvailval vdqave ave tvectved vel "#,
    br#"veloveraverbverdverrvertveryves viewvingviouvirovirtvisivmovvnd.vocavokew newaitwardwarewas wasmwayswe cween"#,
    br#"weigwellwhatwherwhetwhilwhitwidtwin3wingwisewitcwoulws_swww.x = x);*x00,x000x00|x1b|xactxcluxdquxecuxff,ximu"#,
    br#"xlenxor)xpanxplixprext, xtraxttoy $sy ($y = y a y any bey coy dey foy iny isy noy ofy ony rey sty toy usy {*"#,
    br#"y"* y",*y*  y*))y, cy.**y.oby.sty.vay:* yingylesyloaympyynamync yntayourype)ype,ype.ype:ype=ype_ypedypeeypen"#,
    br#"ypeoyproyptiyptoyrigys::yscaythoyworz0-9za-zzatize: ze_tzed zerozone{ re{% e{*)r{0-9{0} {0},{a-z{cfg{der{nam"#,
    br#"{rep{tes{}* {}st|*  |n  |n";|x00|x1b} el}) {})* })*)})**}),*}* }}*)r}*)}}**f}**i}**s}**{}*pu}, `}, {},"a},**"#,
    br#"},`x},{{}: h}cty}str"#,
];

/// Bits of the hash that windows are told apart from them by: one in twenty of the others is taken for one of them, which costs nothing
/// but a better window.
const MAP_BITS: u32 = 17;

/// A bit for each hash that a sequence has.
type Map = [u64; 1 << (MAP_BITS - 6)];

static COMMONEST_MAP: Map = map_of(COMMONEST);
static COMMON_MAP: Map = map_of(COMMON);

const fn map_of(rows: &[&[u8]]) -> Map {
    let mut map = [0; 1 << (MAP_BITS - 6)];
    let mut row = 0;
    while row < rows.len() {
        let bytes = rows[row];
        let mut start = 0;
        while start + WIDTH <= bytes.len() {
            let window = [bytes[start], bytes[start + 1], bytes[start + 2], bytes[start + 3]];
            let hash = hash(folded(window), MAP_BITS);
            map[hash >> 6] |= 1 << (hash & 63);
            start += WIDTH;
        }
        row += 1;
    }
    map
}

/// How common the bytes of a window are: 0 for almost all, 1 for those of which each makes up more than one in fifty thousand of all, 2
/// for more than one in fourteen thousand.
pub(super) fn commonness(window: [u8; WIDTH]) -> u8 {
    let hash = hash(folded(window), MAP_BITS);
    let is_in = |map: &Map| map[hash >> 6] >> (hash & 63) & 1 == 1;
    if is_in(&COMMONEST_MAP) { 2 } else { u8::from(is_in(&COMMON_MAP)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_sequences() {
        for (rows, least) in [(COMMONEST, 2), (COMMON, 1)] {
            let all: Vec<[u8; WIDTH]> = rows.iter().flat_map(|row| row.as_chunks().0).copied().collect();
            assert_eq!(all.len() * WIDTH, rows.iter().map(|row| row.len()).sum::<usize>());
            assert!(all.is_sorted());
            assert!(all.iter().all(|window| commonness(*window) >= least));
        }
        for (window, expected) in [
            (b"with", 2),
            (b"WITH", 2),
            (b"ovid", 2),
            (b"ghp_", 0),
            (b"^^^^", 2),
            (b"    ", 2),
            (b"proj", 1),
            (b"zq_x", 0),
        ] {
            assert_eq!(commonness(*window), expected, "{window:?}");
        }
    }
}
